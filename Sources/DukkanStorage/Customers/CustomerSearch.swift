package import DukkanFormat

/// Finds the rows of some customers in parts, by the customer directories: blocks that cannot hold one of them are not read.
package struct CustomerSearch: Sendable {
    /// Ascending, without repetition.
    private let integers: [Int64]
    /// Ascending by their bytes, without repetition.
    private let strings: [[UInt8]]

    /// Rows of one of the customers in a part: all of one row block.
    package struct Run: Sendable {
        package var block: Int
        /// Counted from the block's first row.
        package var rows: Range<Int>
        /// Place among ``keys``.
        package var customer: Int
    }

    /// - Throws: `DukkanError` `invalidArgument` for keys of another type than the store's customers.
    package init(_ keys: [CustomerKey], type: ColumnType?) throws(DukkanError) {
        var integers: Set<Int64> = []
        var strings: Set<[UInt8]> = []
        for key in keys {
            switch key {
            case .integer(let key) where type == .int: integers.insert(key)
            case .string(let key) where type == .string: strings.insert(Array(key.utf8))
            default:
                throw DukkanError(
                    .invalidArgument,
                    type.map { "the customers of this store are of type \($0)" } ?? "the store has no tables yet")
            }
        }
        self.integers = integers.ascending()
        self.strings = Array(strings).inOrder { $0.lexicographicallyPrecedes($1) }
    }

    package var count: Int { integers.count + strings.count }

    /// The keys that are looked for, ascending.
    package var keys: [CustomerKey] {
        integers.map { .integer($0) } + strings.map { .string(String(decoding: $0, as: UTF8.self)) }
    }

    /// The runs of rows that belong to the customers, in the order of the part; deleted rows are among them.
    package func runs(in part: PartHandle, reader: BlockReader, control: WorkControl?) throws -> [Run] {
        var runs: [Run] = []
        let customers = CustomerBlock()
        for (block, rowBlock) in part.footer.rowBlocks.enumerated() {
            guard let first = rowBlock.firstCustomer, let last = rowBlock.lastCustomer else { continue }
            let wanted = lowerBound(first)..<upperBound(last)
            if wanted.isEmpty { continue }
            try control?.check()
            try part.readCustomers(block: block, into: customers, reader: reader)
            for customer in wanted {
                guard let place = place(of: customer, in: customers) else { continue }
                let rows = Int(customers.rowStarts[place])..<Int(customers.rowStarts[place + 1])
                runs.append(Run(block: block, rows: rows, customer: customer))
            }
        }
        return runs
    }

    /// Keys that come before `key`.
    private func lowerBound(_ key: CustomerKey) -> Int {
        switch key {
        case .integer(let key): partition(integers.count) { integers[$0] < key }
        case .string(let key): partition(strings.count) { strings[$0].lexicographicallyPrecedes(key.utf8) }
        }
    }

    /// Keys that do not come after `key`.
    private func upperBound(_ key: CustomerKey) -> Int {
        switch key {
        case .integer(let key): partition(integers.count) { integers[$0] <= key }
        case .string(let key): partition(strings.count) { !key.utf8.lexicographicallyPrecedes(strings[$0]) }
        }
    }

    /// The first place from which on `precedes` is false.
    private func partition(_ count: Int, _ precedes: (Int) -> Bool) -> Int {
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if precedes(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func place(of customer: Int, in block: CustomerBlock) -> Int? {
        if strings.isEmpty {
            let at = partition(block.count) { block.keys[$0] < integers[customer] }
            return at < block.count && block.keys[at] == integers[customer] ? at : nil
        }
        return strings[customer].withUnsafeBufferPointer { key in
            let at = block.strings.lowerBound(key)
            let isThere =
                at < block.strings.count && block.strings.withBytes(at) { StringDictionary.compare($0, key) == 0 }
            return isThere ? at : nil
        }
    }
}

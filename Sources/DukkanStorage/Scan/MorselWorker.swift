import DukkanFormat

/// Reads the morsels of a scan, one at a time.
///
/// Each worker thread has its own.
package final class MorselWorker {
    package let scan: MorselScan
    package let reader: BlockReader
    /// The rows of each requested table in the morsel loaded last.
    package let tables: [TableRows]
    /// Customers of the morsel loaded last; 0 in a morsel of rows without customer.
    package private(set) var customerCount = 0
    /// Their keys, ascending.
    package private(set) var keys: CustomerKeyList

    private let assemblies: [TableAssembly]
    private let unionKeys: CustomerKeyList
    private var unionStarts: [UnsafeMutablePointer<UInt32>] = []
    private var unionCapacity = 0

    package init(scan: MorselScan, reader: BlockReader) {
        self.scan = scan
        self.reader = reader
        tables = scan.requests.map { _ in TableRows() }
        assemblies = scan.requests.indices.map {
            TableAssembly(
                request: scan.requests[$0], sources: scan.codeSources[$0], isStringCustomer: scan.isStringCustomer)
        }
        unionKeys = CustomerKeyList(isString: scan.isStringCustomer)
        keys = unionKeys
    }

    deinit {
        for starts in unionStarts { starts.deallocate() }
    }

    /// Whether customers matter in the morsel loaded last: false for a bare block of rows.
    package var hasCustomers: Bool { tables[0].rowStarts != nil }

    /// Reads morsel `index` into ``tables`` and ``keys``.
    package func load(_ index: Int) throws {
        switch scan.morsels[index] {
        case .block(let part, let block):
            try assemblies[0].loadBlock(part: part, block: block, into: tables[0], reader)
            for rows in tables.dropFirst() { rows.set(rowCount: 0, rowStarts: nil, columns: rows.columns) }
            customerCount = 0
        case .customers(let range):
            for (assembly, rows) in zip(assemblies, tables) { try assembly.load(range, into: rows, reader) }
            if assemblies.count == 1 {
                keys = assemblies[0].keys
                customerCount = keys.count
            } else {
                uniteCustomers()
            }
        }
    }

    /// Gives all tables the same customers: the union, with empty runs where a table has none of a customer's rows.
    private func uniteCustomers() {
        let bound = assemblies.reduce(0) { $0 + $1.keys.count } + 1
        if bound > unionCapacity {
            for starts in unionStarts { starts.deallocate() }
            unionStarts = assemblies.map { _ in UnsafeMutablePointer<UInt32>.allocate(capacity: bound) }
            unionCapacity = bound
        }
        unionKeys.removeAll()
        var positions = assemblies.map { _ in 0 }
        var customer = 0
        let tableCount = assemblies.count
        while true {
            var least = -1
            for t in 0..<tableCount where positions[t] < assemblies[t].keys.count {
                if least < 0
                    || assemblies[t].keys.compare(positions[t], assemblies[least].keys, positions[least]) < 0
                {
                    least = t
                }
            }
            if least < 0 { break }
            unionKeys.append(assemblies[least].keys, positions[least])
            for t in 0..<tableCount {
                let at = positions[t]
                unionStarts[t][customer] = assemblies[t].starts[at]
                if at < assemblies[t].keys.count, assemblies[t].keys.compare(at, unionKeys, customer) == 0 {
                    positions[t] = at + 1
                }
            }
            customer += 1
        }
        for t in 0..<tableCount {
            unionStarts[t][customer] = assemblies[t].starts[assemblies[t].keys.count]
            tables[t].set(rowCount: tables[t].rowCount, rowStarts: unionStarts[t], columns: tables[t].columns)
        }
        keys = unionKeys
        customerCount = customer
    }
}

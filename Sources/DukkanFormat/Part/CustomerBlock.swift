import CDukkanKernels

/// The customers of one row block, decoded: who they are and where the rows of each begin.
///
/// Reused from block to block. Belongs to one thread, or to several for as long as nobody writes to it.
package final class CustomerBlock: @unchecked Sendable {  // Sendable: several threads may read, one alone writes.
    /// Customers; 1 in a block of rows without a customer, whose key means nothing.
    package internal(set) var count = 0
    /// Whether the keys were read; without them `keys` and `strings` mean nothing.
    package private(set) var hasKeys = false
    /// Keys of integer stores, ascending.
    package private(set) var keys: UnsafeMutablePointer<Int64>
    /// Keys of string stores, ascending by bytes; empty for integer stores.
    package internal(set) var strings = StringDictionary.empty
    /// `rowStarts[i] ..< rowStarts[i + 1]` are the rows of customer i, counted from the row block's first row;
    /// `count + 1` entries.
    package private(set) var rowStarts: UnsafeMutablePointer<UInt32>
    /// A bit for each row that is the first of its customer; one word more than the rows need.
    package private(set) var startBits: UnsafeMutablePointer<UInt64>
    private var wordCapacity = 1
    private var capacity = 0
    // Kernels may write up to 64 bytes past the last value.
    private static let keySlack = 16
    private static let startSlack = 33
    let scratch = ScratchArena()

    package init() {
        keys = KeptMemory.allocate(CustomerBlock.keySlack)
        rowStarts = KeptMemory.allocate(CustomerBlock.startSlack)
        rowStarts[0] = 0
        startBits = UnsafeMutablePointer<UInt64>.allocate(capacity: wordCapacity)
    }

    deinit {
        KeptMemory.release(keys, capacity + CustomerBlock.keySlack)
        KeptMemory.release(rowStarts, capacity + CustomerBlock.startSlack)
        startBits.deallocate()
    }

    /// Rows of the row block.
    package var rowCount: Int { Int(rowStarts[count]) }

    /// Makes room for `minimum` customers; keeps nothing.
    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        KeptMemory.release(keys, capacity + CustomerBlock.keySlack)
        KeptMemory.release(rowStarts, capacity + CustomerBlock.startSlack)
        capacity = max(minimum, 2_048)
        keys = KeptMemory.allocate(capacity + CustomerBlock.keySlack)
        rowStarts = KeptMemory.allocate(capacity + CustomerBlock.startSlack)
        rowStarts[0] = 0
        count = 0
    }

    private func markStarts(_ rowCount: Int, _ customerCount: Int) {
        let wordCount = rowCount / 64 + 1
        if wordCount > wordCapacity {
            startBits.deallocate()
            wordCapacity = max(wordCount, 1_024)
            startBits = UnsafeMutablePointer<UInt64>.allocate(capacity: wordCapacity)
        }
        dukkan_mark_starts(rowStarts, customerCount, startBits)
    }

    /// Reads the content of a directory: the rows of each customer less one, then the keys.
    ///
    /// - Parameters:
    ///   - content: the directory's bytes.
    ///   - block: the row block as the footer states it.
    ///   - type: the type of the keys.
    ///   - readsKeys: whether the keys are read, and checked, too.
    ///   - scratch: memory for steps between.
    func decode(
        _ content: UnsafeRawBufferPointer, _ block: PartFooter.RowBlock, _ type: ColumnType, readsKeys: Bool = true,
        _ scratch: ScratchArena
    ) throws(DukkanError) {
        var reader = ByteReader(content)
        let customerCount = block.customerCount
        reserve(customerCount)
        count = 0
        hasKeys = false
        rowStarts[0] = 0
        try IntegerStream.decode(&reader, customerCount, into: rowStarts + 1, scratch: scratch)
        let ends = rowStarts + 1
        var end = 0
        for i in 0..<customerCount {
            end &+= Int(ends[i]) &+ 1
            ends[i] = UInt32(truncatingIfNeeded: end)
        }
        // Each count is over 0 and the sum is right, so that all ends are in order and within the block.
        guard end == block.rowCount else { throw corrupt("customers with \(end) rows in a block of \(block.rowCount)") }
        markStarts(end, customerCount)
        strings = .empty
        if !readsKeys {
            count = customerCount
            return
        }
        if block.isNullCustomer {
            keys[0] = 0
        } else if type == .int {
            try IntegerStream.decode(&reader, customerCount, into: keys, scratch: scratch)
            guard dukkan_is_ascending(keys, customerCount) else { throw corrupt("customers that are not in order") }
            guard block.firstCustomer == .integer(keys[0]), block.lastCustomer == .integer(keys[customerCount - 1])
            else {
                throw corrupt("customers other than the footer states")
            }
        } else {
            strings = try StringList.decode(&reader, customerCount, scratch: scratch)
            guard block.firstCustomer == .string(strings.string(0)),
                block.lastCustomer == .string(strings.string(customerCount - 1))
            else { throw corrupt("customers other than the footer states") }
        }
        guard reader.isAtEnd else { throw corrupt("bytes behind a directory's end") }
        count = customerCount
        hasKeys = true
    }
}

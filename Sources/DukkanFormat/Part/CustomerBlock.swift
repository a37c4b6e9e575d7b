/// The customers of one row block, decoded: who they are and where the rows of each begin. Reused from block to block;
/// belongs to one thread at a time.
package final class CustomerBlock: @unchecked Sendable {  // Sendable: handed from thread to thread, never shared.
    /// Customers; 1 in a block of rows without a customer, whose key means nothing.
    package internal(set) var count = 0
    /// Keys of integer stores, ascending.
    package private(set) var keys: UnsafeMutablePointer<Int64>
    /// Keys of string stores, ascending by bytes; empty for integer stores.
    package internal(set) var strings = StringDictionary.empty
    /// `rowStarts[i] ..< rowStarts[i + 1]` are the rows of customer i, counted from the row block's first row;
    /// `count + 1` entries.
    package private(set) var rowStarts: UnsafeMutablePointer<UInt32>
    private var capacity = 0

    package init() {
        keys = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
        rowStarts = UnsafeMutablePointer<UInt32>.allocate(capacity: 2)
        rowStarts[0] = 0
    }

    deinit {
        keys.deallocate()
        rowStarts.deallocate()
    }

    /// Rows of the row block.
    package var rowCount: Int { Int(rowStarts[count]) }

    /// Makes room for `minimum` customers; keeps nothing.
    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        keys.deallocate()
        rowStarts.deallocate()
        capacity = max(minimum, 2_048)
        // Kernels may write up to 64 bytes past the last value.
        keys = UnsafeMutablePointer<Int64>.allocate(capacity: capacity + 16)
        rowStarts = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity + 33)
        rowStarts[0] = 0
        count = 0
    }
}

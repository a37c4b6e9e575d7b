import CDukkanKernels

/// The rows of one table that match a step, close together: what is left when funnels over several tables drop the others.
///
/// Reused from morsel to morsel.
struct MatchingRows {
    private var bits = GrowableBuffer<UInt64>(capacity: 1 << 10)
    private var before = GrowableBuffer<UInt32>(capacity: 1 << 10)
    private var starts = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private var times = GrowableBuffer<Int64>(capacity: 1 << 12)
    private var bytes = GrowableBuffer<UInt8>(capacity: 1 << 12)
    private var words = GrowableBuffer<UInt32>(capacity: 16)
    private var values = GrowableBuffer<UInt32>(capacity: 16)

    func deallocate() {
        bits.deallocate()
        before.deallocate()
        starts.deallocate()
        times.deallocate()
        bytes.deallocate()
        words.deallocate()
        values.deallocate()
    }

    /// The matching rows of a table's customers, borrowed until the next call.
    ///
    /// O(rows + customers).
    mutating func compact(_ table: SequenceRows, customerCount: Int) -> SequenceRows {
        let rowCount = Int(table.rowStarts[customerCount])
        bits.reserve(rowCount / 64 + 1)
        before.reserve(rowCount / 64 + 1)
        starts.reserve(customerCount + 1)
        let matchCount: Int
        switch table.masks {
        case .bytes(let masks): matchCount = dukkan_matching_bytes(masks, rowCount, bits.base)
        case .words(let masks): matchCount = dukkan_matching_words(masks, rowCount, bits.base)
        }
        dukkan_ranks(bits.base, rowCount, table.rowStarts, customerCount + 1, before.base, starts.base)
        // The kernels write whole vectors.
        let capacity = matchCount + 64
        times.reserve(capacity)
        _ = dukkan_compress_integers(table.times, bits.base, rowCount, times.base)
        let masks: SequenceRows.Masks
        switch table.masks {
        case .bytes(let all):
            bytes.reserve(capacity)
            _ = dukkan_compact_8(all, bits.base, rowCount, bytes.base)
            masks = .bytes(UnsafePointer(bytes.base))
        case .words(let all):
            words.reserve(capacity)
            _ = dukkan_compress_codes(all, bits.base, rowCount, words.base)
            masks = .words(UnsafePointer(words.base))
        }
        if let all = table.values {
            values.reserve(capacity)
            _ = dukkan_compress_codes(all, bits.base, rowCount, values.base)
        }
        return SequenceRows(
            rowStarts: UnsafePointer(starts.base), times: UnsafePointer(times.base), masks: masks,
            values: table.values == nil ? nil : UnsafePointer(values.base))
    }
}

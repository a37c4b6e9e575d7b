package import CDukkanKernels

/// How values of a column are held in memory and handed to the encodings.
package enum PhysicalKind: UInt8, Sendable {
    /// 64-bit integers: bool (0, 1), int, decimal (unscaled), timestamp (µs), date (days).
    case integers
    /// 64-bit floating point numbers.
    case doubles
    /// Codes into a ``StringDictionary``.
    case codes
}

/// A run of values of one column in memory: what ingest fills, what the part writer encodes, what decoding yields and
/// what the query kernels read.
///
/// A vector owns raw memory and is reused from block to block. It belongs to one thread, or to several for as long as
/// nobody writes to it. Null rows hold the value 0, and their bit in `validity` is 0; `validity` is meaningful only while `hasNulls` is true.
///
/// Hot loops copy the pointers to locals first, then run over `count` values.
package final class ColumnVector: @unchecked Sendable {  // Sendable: several threads may read, one alone writes.
    package let kind: PhysicalKind
    /// Number of values held.
    package var count = 0
    /// Whether any row is null.
    ///
    /// While false, `validity` holds nothing of use.
    package var hasNulls = false
    /// The dictionary of the codes; nil for other kinds.
    package var dictionary: StringDictionary?

    package private(set) var capacity = 0
    /// Memory of the decoder, kept from block to block.
    private(set) lazy var scratch = ScratchArena()
    private var storage: UnsafeMutableRawPointer
    private var storageByteCount = 64
    /// One bit a row, bit set = value present, 64 rows a word, lowest bit first.
    ///
    /// Bits past `count` are unspecified.
    package private(set) var validity: UnsafeMutablePointer<UInt64>

    package init(_ kind: PhysicalKind, capacity: Int = 0) {
        self.kind = kind
        storage = KeptMemory.allocate(byteCount: storageByteCount)
        // As many words as `beginNulls` clears in a vector without capacity.
        validity = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
        validity.initialize(repeating: 0, count: 2)
        reserve(capacity)
    }

    deinit {
        KeptMemory.release(storage, byteCount: storageByteCount)
        validity.deallocate()
    }

    /// Bytes per value in memory.
    package static func stride(_ kind: PhysicalKind) -> Int { kind == .codes ? 4 : 8 }

    package var integers: UnsafeMutablePointer<Int64> {
        precondition(kind == .integers)
        return storage.assumingMemoryBound(to: Int64.self)
    }
    package var doubles: UnsafeMutablePointer<Double> {
        precondition(kind == .doubles)
        return storage.assumingMemoryBound(to: Double.self)
    }
    package var codes: UnsafeMutablePointer<UInt32> {
        precondition(kind == .codes)
        return storage.assumingMemoryBound(to: UInt32.self)
    }

    /// Makes room for `minimum` values and keeps those held.
    ///
    /// Kernels may write up to 128 bytes past the last value.
    package func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        let rows = max(minimum, capacity + capacity / 2, 64)
        let stride = ColumnVector.stride(kind)
        let grownByteCount = rows * stride + 128
        let grown = KeptMemory.allocate(byteCount: grownByteCount)
        grown.copyMemory(from: storage, byteCount: count * stride)
        KeptMemory.release(storage, byteCount: storageByteCount)
        storage = grown
        storageByteCount = grownByteCount
        let words = (rows + 63) / 64 + 2
        let bits = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
        let heldWords = hasNulls ? (count + 63) / 64 : 0
        bits.update(from: validity, count: heldWords)
        (bits + heldWords).update(repeating: 0, count: words - heldWords)
        validity.deallocate()
        validity = bits
        capacity = rows
    }

    /// Forgets all values, keeps the memory.
    package func removeAll() {
        count = 0
        hasNulls = false
    }

    /// Forgets the first `length` values, keeps the memory.
    ///
    /// O(values that stay).
    package func removeFirst(_ length: Int) {
        precondition(length >= 0 && length <= count)
        let kept = count - length
        let stride = ColumnVector.stride(kind)
        storage.copyMemory(from: storage + length * stride, byteCount: kept * stride)
        if hasNulls {
            let bits = ValidityBits(words: validity, firstRow: length)
            // Each word is read from at or behind the place where it goes.
            for row in Swift.stride(from: 0, to: kept, by: 64) { validity[row >> 6] = bits.word(row, kept) }
        }
        count = kept
    }

    /// Whether a row holds a value.
    @inline(__always)
    package func isValid(_ row: Int) -> Bool {
        !hasNulls || validity[row >> 6] & (1 << UInt64(row & 63)) != 0
    }

    /// From here on `validity` counts; the rows held so far become valid.
    package func beginNulls() {
        guard !hasNulls else { return }
        let words = (count + 63) / 64
        validity.update(repeating: ~0, count: words)
        if words < (capacity + 63) / 64 + 2 {
            (validity + words).update(repeating: 0, count: (capacity + 63) / 64 + 2 - words)
        }
        if count & 63 != 0 { validity[words - 1] = (1 << UInt64(count & 63)) - 1 }
        hasNulls = true
    }

    package func append(_ value: Int64) {
        reserve(count + 1)
        integers[count] = value
        appendValidBit()
    }

    package func append(_ value: Double) {
        reserve(count + 1)
        doubles[count] = value
        appendValidBit()
    }

    package func append(code: UInt32) {
        reserve(count + 1)
        codes[count] = code
        appendValidBit()
    }

    package func appendNull() {
        reserve(count + 1)
        beginNulls()
        switch kind {
        case .integers: integers[count] = 0
        case .doubles: doubles[count] = 0
        case .codes: codes[count] = 0
        }
        validity[count >> 6] &= ~(1 << UInt64(count & 63))
        count += 1
    }

    @inline(__always)
    private func appendValidBit() {
        if hasNulls { validity[count >> 6] |= 1 << UInt64(count & 63) }
        count += 1
    }

    /// Makes all of `rows` rows null.
    package func fillNulls(_ rows: Int) {
        removeAll()
        reserve(rows)
        storage.initializeMemory(as: UInt8.self, repeating: 0, count: rows * ColumnVector.stride(kind))
        validity.update(repeating: 0, count: (rows + 63) / 64)
        hasNulls = rows > 0
        count = rows
    }

    /// Appends the rows `source[order[0]], source[order[1]], …`.
    ///
    /// Both vectors have the same kind and, for codes, the same dictionary. O(order.count).
    package func appendGather(_ source: ColumnVector, _ order: UnsafeBufferPointer<UInt32>) {
        precondition(kind == source.kind)
        reserve(count + order.count)
        if source.hasNulls { beginNulls() }
        let at = count
        switch kind {
        case .integers:
            let input = source.integers, output = integers + at
            for i in 0..<order.count { output[i] = input[Int(order[i])] }
        case .doubles:
            let input = source.doubles, output = doubles + at
            for i in 0..<order.count { output[i] = input[Int(order[i])] }
        case .codes:
            let input = source.codes, output = codes + at
            for i in 0..<order.count { output[i] = input[Int(order[i])] }
        }
        if hasNulls {
            let bits = validity, input = source.validity, nullable = source.hasNulls
            for i in 0..<order.count {
                let row = Int(order[i]), to = at + i
                let bit = nullable ? (input[row >> 6] >> UInt64(row & 63)) & 1 : 1
                bits[to >> 6] = (bits[to >> 6] & ~(1 << UInt64(to & 63))) | (bit << UInt64(to & 63))
            }
        }
        count += order.count
    }

    /// Replaces all values by those of runs of rows of `sources`, `length` in all, one run behind the other.
    ///
    /// All vectors have the same kind and, for codes, the same dictionary. O(length).
    package func replace(
        with sources: [ColumnVector], _ runs: UnsafeBufferPointer<dukkan_row_run>, length: Int
    ) {
        removeAll()
        reserve(length)
        if kind == .codes {
            let values = sources.map { source -> UnsafePointer<UInt32>? in
                precondition(source.kind == kind)
                return UnsafePointer(source.codes)
            }
            dukkan_copy_run_codes(values, runs.baseAddress, runs.count, codes)
        } else {
            let values = sources.map { source -> UnsafePointer<UInt64>? in
                precondition(source.kind == kind)
                return UnsafePointer(source.storage.assumingMemoryBound(to: UInt64.self))
            }
            dukkan_copy_run_words(
                values, runs.baseAddress, runs.count, storage.assumingMemoryBound(to: UInt64.self))
        }
        if sources.contains(where: \.hasNulls) {
            let bits = sources.map { $0.hasNulls ? UnsafePointer($0.validity) : nil }
            dukkan_copy_run_bits(bits, runs.baseAddress, runs.count, 0, validity)
            hasNulls = true
        }
        count = length
    }

    /// Appends rows `start ..< start + length` of `source`, of the same kind and, for codes, the same dictionary.
    package func append(contentsOf source: ColumnVector, from start: Int, count length: Int) {
        precondition(kind == source.kind && start >= 0 && start + length <= source.count)
        reserve(count + length)
        if source.hasNulls { beginNulls() }
        let stride = ColumnVector.stride(kind)
        (storage + count * stride).copyMemory(from: source.storage + start * stride, byteCount: length * stride)
        if hasNulls { appendValidity(source, from: start, count: length) }
        count += length
    }

    /// Copies validity bits a word at a time; `validity` holds those of `count` rows.
    private func appendValidity(_ source: ColumnVector, from start: Int, count length: Int) {
        let bits = ValidityBits(words: source.validity, firstRow: start)
        for row in Swift.stride(from: 0, to: length, by: 64) {
            let taken = min(64, length - row)
            let ones: UInt64 = taken == 64 ? ~0 : (1 << UInt64(taken)) - 1
            let word = source.hasNulls ? bits.word(row, length) : ones
            let at = (count + row) >> 6, shift = UInt64((count + row) & 63)
            let low = ones << shift
            validity[at] = (validity[at] & ~low) | (word << shift)
            if shift != 0 && taken > 64 - Int(shift) {
                let high = ones >> (64 - shift)
                validity[at + 1] = (validity[at + 1] & ~high) | (word >> (64 - shift))
            }
        }
    }
}

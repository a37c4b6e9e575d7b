import CDukkanKernels
import DukkanFormat

/// Copies scattered rows of a run into vectors, a slice of rows at a time with all their columns.
final class RunGather {
    /// Rows whose records stay in the nearest caches while all columns are taken from them; whole words of null bits.
    private static let sliceRowCount = 1_024

    /// What is copied for one column.
    private struct Field {
        var kind: PhysicalKind
        var offset: Int
        var width: UInt32
        /// Byte and bit that tell of a value; nil where all rows hold one.
        var validBit: (byte: Int, bit: UInt32)?
        /// Code of the run to code of the part.
        var translation: UnsafeMutableBufferPointer<UInt32>
        var output: UnsafeMutableRawPointer
        var validity: UnsafeMutablePointer<UInt64>
    }

    private let places: RunPlaces
    private let vectors: [ColumnVector]
    private let hasNulls: [Bool]
    private let fields: [Field]
    private let threads: Int

    /// The vectors have room for all rows of a call.
    init(_ run: RunBuffer, _ codings: [RunWriter.Coding?], _ vectors: [ColumnVector], threads: Int) {
        places = RunPlaces(run)
        self.vectors = vectors
        self.threads = threads
        hasNulls = run.hasNulls
        let layout = run.layout
        fields = vectors.indices.map { column in
            let vector = vectors[column]
            let codes = codings[column]?.translation ?? []
            let translation = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: codes.count)
            _ = translation.initialize(from: codes)
            let output: UnsafeMutableRawPointer =
                switch vector.kind {
                case .integers: UnsafeMutableRawPointer(vector.integers)
                case .doubles: UnsafeMutableRawPointer(vector.doubles)
                case .codes: UnsafeMutableRawPointer(vector.codes)
                }
            return Field(
                kind: vector.kind, offset: layout.offsets[column], width: UInt32(layout.widths[column]),
                validBit: run.hasNulls[column] ? layout.validBits[column] : nil, translation: translation,
                output: output, validity: vector.validity)
        }
    }

    deinit {
        for field in fields { field.translation.deallocate() }
    }

    /// Replaces what the vectors hold by rows of the run.
    func fill(_ rows: UnsafeBufferPointer<UInt32>) {
        let length = RunGather.sliceRowCount
        let sliceCount = (rows.count + length - 1) / length
        nonisolated(unsafe) let gather = self
        nonisolated(unsafe) let rows = rows
        Parallel.run(sliceCount, threads: Parallel.threads(threads, copying: rows.count * fields.count)) { slice in
            let range = slice * length..<min(rows.count, (slice + 1) * length)
            gather.fill(UnsafeBufferPointer(rebasing: rows[range]), at: range.lowerBound)
        }
        for (column, vector) in vectors.enumerated() {
            vector.count = rows.count
            vector.hasNulls = hasNulls[column]
        }
    }

    private func fill(_ rows: UnsafeBufferPointer<UInt32>, at start: Int) {
        let count = rows.count
        withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: count) { records in
            let records = records.baseAddress!
            dukkan_record_places(
                rows.baseAddress, count, places.pieces, UInt32(RunBuffer.pieceShift), places.stride, records)
            for field in fields {
                if let (byte, bit) = field.validBit {
                    dukkan_record_bits(records, count, byte, bit, field.validity + start / 64)
                }
                if field.kind == .codes {
                    let codes = field.output.assumingMemoryBound(to: UInt32.self) + start
                    dukkan_record_codes(records, count, field.offset, field.width, codes)
                    RunGather.translate(codes, count, field, at: start)
                } else {
                    let words = field.output.assumingMemoryBound(to: Int64.self) + start
                    dukkan_record_words(records, count, field.offset, field.width, words)
                }
            }
        }
    }

    private static func translate(_ codes: UnsafeMutablePointer<UInt32>, _ count: Int, _ field: Field, at start: Int) {
        guard !field.translation.isEmpty, let translation = field.translation.baseAddress else { return }
        for i in 0..<count { codes[i] = translation[Int(codes[i])] }
        guard field.validBit != nil else { return }
        // A null row carries code 0 whatever the translation says.
        let words = field.validity + start / 64
        for i in 0..<count { codes[i] = (words[i >> 6] >> UInt64(i & 63)) & 1 == 0 ? 0 : codes[i] }
    }
}

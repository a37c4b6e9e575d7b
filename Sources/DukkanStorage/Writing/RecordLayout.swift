import CDukkanKernels
import DukkanFormat

/// Where the values of a row lie in its record: one field for each column, then bits for columns that may be null.
///
/// Fields are as wide as the values so far need, so that a record is short: its memory is what sorting moves through.
struct RecordLayout {
    /// Bytes of each column's field.
    let widths: [Int]
    let offsets: [Int]
    /// For each column that may be null the byte and the bit that is set where a row holds a value.
    let validBits: [(byte: Int, bit: UInt32)?]
    /// Bytes from the first null bit on.
    let validByteCount: Int
    /// Bytes from one record to the next.
    let stride: Int

    init(_ schema: TableSchema, widths: [Int]) {
        self.widths = widths
        var offset = 0
        offsets = widths.map { width in
            defer { offset += width }
            return offset
        }
        var bitCount = 0
        validBits = schema.columns.map { column in
            switch column.role {
            case .time, .unique: return nil
            case .customer: if !schema.allowsNullCustomer { return nil }
            case .attribute: break
            }
            defer { bitCount += 1 }
            return (offset + bitCount / 8, UInt32(bitCount % 8))
        }
        validByteCount = (bitCount + 7) / 8
        stride = offset + validByteCount
    }

    /// The widest field that a column can need.
    static func widestField(_ column: ColumnDefinition) -> Int { column.type.physical == .codes ? 4 : 8 }

    /// The widths for the first rows of a run, which need `needed`: with room for what may follow.
    static func firstWidths(_ schema: TableSchema, needed: [Int]) -> [Int] {
        zip(schema.columns, needed).map { column, needed in
            if column.role == .time { return 8 }
            return column.type.physical == .codes || column.type == .bool ? needed : max(needed, 4)
        }
    }

    /// Bytes of the field that a column's values need.
    static func width(_ column: ColumnDefinition, _ vector: ColumnVector, from start: Int, count: Int) -> Int {
        guard vector.kind == .integers, column.role != .time else { return 8 }
        return Int(dukkan_record_width(vector.integers + start, count))
    }

    /// Bytes of the field for codes below `count`.
    static func width(codeCount count: Int) -> Int { count <= 1 << 8 ? 1 : count <= 1 << 16 ? 2 : 4 }
}

/// Records of rows that arrived one after the other.
final class RecordPiece {
    private(set) var memory: UnsafeMutablePointer<UInt8>
    private var capacity: Int

    init() {
        capacity = 0
        memory = .allocate(capacity: 1)
    }

    deinit { memory.deallocate() }

    /// Makes room for `minimum` records of `stride` bytes and keeps the `count` held.
    func reserve(_ minimum: Int, stride: Int, keeping count: Int) {
        guard minimum * stride > capacity else { return }
        capacity = max(minimum * stride, min(2 * capacity, RunBuffer.pieceRowCount * stride))
        let grown = LargeMemory.allocate(byteCount: capacity).bindMemory(to: UInt8.self, capacity: capacity)
        grown.update(from: memory, count: count * stride)
        memory.deallocate()
        memory = grown
    }

    /// Gives the first `count` records another layout.
    func convert(_ columns: [ColumnDefinition], from old: RecordLayout, to new: RecordLayout, count: Int) {
        let room = max(count, min(capacity / max(old.stride, 1), RunBuffer.pieceRowCount))
        let grown = LargeMemory.allocate(byteCount: room * new.stride)
            .bindMemory(to: UInt8.self, capacity: room * new.stride)
        let blockRowCount = 512
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: blockRowCount) { words in
            let words = words.baseAddress!
            for row in Swift.stride(from: 0, to: count, by: blockRowCount) {
                let length = min(blockRowCount, count - row)
                let input = memory + row * old.stride, output = grown + row * new.stride
                for (column, definition) in columns.enumerated() {
                    let isCode = definition.type.physical == .codes
                    let from = RecordField(offset: old.offsets[column], width: old.widths[column], isCode: isCode)
                    for i in 0..<length { words[i] = from.value(input + i * old.stride) }
                    dukkan_record_put_words(
                        words, length, UInt32(new.widths[column]), output + new.offsets[column], new.stride)
                }
                let tail = old.stride - old.validByteCount, newTail = new.stride - new.validByteCount
                for i in 0..<length {
                    (output + i * new.stride + newTail).update(
                        from: input + i * old.stride + tail, count: new.validByteCount)
                }
            }
        }
        memory.deallocate()
        memory = grown
        capacity = room * new.stride
    }
}

/// One field of a record.
struct RecordField {
    let offset: Int
    let width: Int
    /// Codes are unsigned.
    let isCode: Bool

    @inline(__always)
    func value(_ record: UnsafePointer<UInt8>) -> Int64 {
        let place = UnsafeRawPointer(record + offset)
        switch width {
        case 1: return isCode ? Int64(place.load(as: UInt8.self)) : Int64(place.load(as: Int8.self))
        case 2: return isCode ? Int64(place.loadUnaligned(as: UInt16.self)) : Int64(place.loadUnaligned(as: Int16.self))
        case 4: return isCode ? Int64(place.loadUnaligned(as: UInt32.self)) : Int64(place.loadUnaligned(as: Int32.self))
        default: return place.loadUnaligned(as: Int64.self)
        }
    }
}

import CDukkanKernels

/// What a part knows of a column that follows from another one: stored once, like a dictionary.
package enum ColumnModel: Sendable {
    /// The column rises or falls with the time of the row, as numbers do that are given out in turn.
    case times(TimeModel)
    /// Another column decides, as the product decides the category.
    case table(TableModel)

    static let timesForm: UInt8 = 0
    static let tableForm: UInt8 = 1
    /// A table whose size does not depend on its values.
    static let fixedTableForm: UInt8 = 2

    /// What it takes in memory.
    package var byteCount: Int {
        switch self {
        case .times(let model): model.knots.count * 8
        case .table(let model): model.values.count * 12
        }
    }

    /// - Parameter entryMax: values of a table are not more than this, and not negative.
    func encode(into writer: inout ByteWriter, entryMax: Int, effort: EncodingEffort) {
        switch self {
        case .times(let model):
            writer.append(ColumnModel.timesForm)
            model.encode(into: &writer, effort: effort)
        case .table(let model):
            writer.append(ColumnModel.fixedTableForm)
            model.encode(into: &writer, width: Int.bitWidth - entryMax.leadingZeroBitCount)
        }
    }

    /// - Parameter version: that of the part.
    static func decode(
        _ reader: inout ByteReader, version: UInt32, scratch: ScratchArena
    ) throws(DukkanError) -> ColumnModel {
        let form = try reader.byte()
        switch form {
        case timesForm: return .times(try TimeModel(&reader, scratch))
        case tableForm: return .table(try TableModel(&reader, scratch, isFixed: false))
        case fixedTableForm where version >= PartOutline.firstVersion:
            return .table(try TableModel(&reader, scratch, isFixed: true))
        default: throw corrupt("unknown form \(form) of a model")
        }
    }
}

/// A piecewise linear function of time: the values at times that lie equally far apart, a power of two of microseconds.
///
/// All in integers, so that every machine predicts the same.
package struct TimeModel: Sendable {
    /// Time of the first knot.
    var origin: Int64
    /// The knots are 2^shift microseconds apart.
    var shift: UInt64
    /// At least two.
    var knots: [Int64]

    /// Bits of the fraction between two knots that count.
    private static let fractionWidth: UInt64 = 16
    static let shiftMax: UInt64 = 62

    init(origin: Int64, shift: UInt64, knots: [Int64]) {
        self.origin = origin
        self.shift = shift
        self.knots = knots
    }

    func encode(into writer: inout ByteWriter, effort: EncodingEffort) {
        writer.appendSigned(origin)
        writer.append(UInt8(shift))
        writer.appendVarint(knots.count - 2)
        IntegerStream.encode(knots, knots.count, into: &writer, effort: effort)
    }

    fileprivate init(_ reader: inout ByteReader, _ scratch: ScratchArena) throws(DukkanError) {
        origin = try reader.signed()
        shift = UInt64(try reader.byte())
        guard shift <= TimeModel.shiftMax else { throw corrupt("knots 2^\(shift) microseconds apart") }
        let count = try reader.count(PartLimits.modelValueCountMax - 2, "knots of a model") + 2
        let values = scratch.allocate(Int64.self, count)
        try IntegerStream.decode(&reader, count, into: values, scratch: scratch)
        knots = Array(UnsafeBufferPointer(start: values, count: count))
    }

    /// Adds the prediction for each time to the value beside it, modulo 2^64.
    ///
    /// Before the first and behind the last knot the prediction is that knot. O(count).
    func addPredictions(
        _ times: UnsafePointer<Int64>, _ count: Int, to values: UnsafeMutablePointer<Int64>, sign: Int64 = 1
    ) {
        knots.withUnsafeBufferPointer { knots in
            var model = dukkan_knots(
                origin: origin, knots: knots.baseAddress, count: knots.count, shift: UInt32(shift),
                width: UInt32(TimeModel.fractionWidth))
            dukkan_add_predictions(times, count, &model, sign, values)
        }
    }
}

/// A value for each value of another column, from the smallest on.
package struct TableModel: Sendable {
    /// The other column's value that the first entry is for.
    var base: Int64
    /// At least one.
    var values: [Int64]
    /// The same as codes.
    let codes: [UInt32]

    init(base: Int64, values: [Int64]) {
        self.base = base
        self.values = values
        codes = values.map { UInt32(truncatingIfNeeded: $0) }
    }

    /// Writes every value with `width` bits, so that other values take as many bytes.
    func encode(into writer: inout ByteWriter, width: Int) {
        writer.appendSigned(base)
        writer.appendVarint(values.count - 1)
        writer.append(UInt8(width))
        let bits = values.map { UInt64(bitPattern: $0) }
        writer.fill((values.count * width + 7) / 8) { dukkan_pack_tail(bits, bits.count, UInt32(width), $0) }
    }

    fileprivate init(_ reader: inout ByteReader, _ scratch: ScratchArena, isFixed: Bool) throws(DukkanError) {
        let base = try reader.signed()
        let count = try reader.count(PartLimits.modelValueCountMax - 1, "entries of a model") + 1
        let values = scratch.allocate(Int64.self, count)
        if isFixed {
            let width = Int(try reader.byte())
            guard width <= 64 else { throw corrupt("entries of \(width) bits") }
            let bytes = try reader.take((count * width + 7) / 8)
            Int64.unpackHorizontal(bytes, count, width, 0, values)
        } else {
            try IntegerStream.decode(&reader, count, into: values, scratch: scratch)
        }
        self.init(base: base, values: Array(UnsafeBufferPointer(start: values, count: count)))
    }

    /// Writes the entry of each key; keys without one get the last entry, which is as good as any.
    ///
    /// With `words`, only rows whose bit is set get one, and the others 0. O(count).
    func lookUp<Key: FixedWidthInteger & BitwiseCopyable, Output: LookedUpElement>(
        _ keys: UnsafePointer<Key>, _ words: UnsafePointer<UInt64>?, _ count: Int,
        into out: UnsafeMutablePointer<Output>
    ) {
        let base = base
        Output.withEntries(of: self) { entries in
            let entry = entries.baseAddress!, last = UInt64(entries.count - 1)
            guard let words else {
                for row in 0..<count {
                    out[row] = entry[Int(min(UInt64(bitPattern: Int64(truncatingIfNeeded: keys[row]) &- base), last))]
                }
                return
            }
            out.update(repeating: 0, count: count)
            for word in 0..<(count + 63) / 64 {
                var rest = words[word]
                while rest != 0 {
                    let row = word * 64 + rest.trailingZeroBitCount
                    out[row] = entry[Int(min(UInt64(bitPattern: Int64(truncatingIfNeeded: keys[row]) &- base), last))]
                    rest &= rest &- 1
                }
            }
        }
    }
}

/// What a look-up yields: integers or codes.
protocol LookedUpElement: StreamElement {
    static func withEntries(of table: TableModel, _ body: (UnsafeBufferPointer<Self>) -> Void)
}

extension Int64: LookedUpElement {
    static func withEntries(of table: TableModel, _ body: (UnsafeBufferPointer<Int64>) -> Void) {
        table.values.withUnsafeBufferPointer(body)
    }
}

extension UInt32: LookedUpElement {
    static func withEntries(of table: TableModel, _ body: (UnsafeBufferPointer<UInt32>) -> Void) {
        table.codes.withUnsafeBufferPointer(body)
    }
}

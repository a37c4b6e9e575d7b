import DukkanFormat

extension ColumnParser {
    func parseIntegers(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        let starts = tile.starts + column.slot * FieldTile.slotStride
        let lengths = tile.lengths + column.slot * FieldTile.slotStride
        let output = vector.integers + vector.count
        let bytes = UnsafePointer(chunk.bytes)
        let point = point, nullRows = nullRows
        for row in 0..<tile.rowCount {
            // A missing field has no bytes, so no fast form takes it.
            let length = Int(lengths[row] & FieldTile.lengthMask)
            if let value = NumberReader.fastInteger(bytes + Int(starts[row]), length) {
                output[row] = value
            } else if length == 0 {
                output[row] = 0
                nullRows.append(row)
            } else {
                output[row] =
                    resolve(tile, chunk, row, &faults) { ColumnParser.readScaled($0, type: .int, scale: 0, point) } ?? 0
            }
        }
    }

    func parseDecimals(_ tile: FieldTile, _ chunk: Chunk, _ scale: Int, _ faults: inout RowFaults) {
        let starts = tile.starts + column.slot * FieldTile.slotStride
        let lengths = tile.lengths + column.slot * FieldTile.slotStride
        let output = vector.integers + vector.count
        let bytes = UnsafePointer(chunk.bytes)
        let point = point, type = column.type, nullRows = nullRows
        NumberReader.powers.withUnsafeBufferPointer { powers in
            guard let powers = powers.baseAddress else { return }
            for row in 0..<tile.rowCount {
                let length = Int(lengths[row] & FieldTile.lengthMask)
                let text = bytes + Int(starts[row])
                if let value = NumberReader.fastDecimal(text, length, scale: scale, point: point, powers: powers) {
                    output[row] = value
                } else if length == 0 {
                    output[row] = 0
                    nullRows.append(row)
                } else {
                    output[row] =
                        resolve(tile, chunk, row, &faults) {
                            ColumnParser.readScaled($0, type: type, scale: scale, point)
                        } ?? 0
                }
            }
        }
    }

    func parseDoubles(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        let output = vector.doubles + vector.count
        let point = point
        for row in 0..<tile.rowCount {
            output[row] = resolve(tile, chunk, row, &faults) { ColumnParser.readDouble($0, point) } ?? 0
        }
    }

    /// Columns of dates and of truth values.
    func parseRareIntegers(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        let output = vector.integers + vector.count
        let isDate = column.type == .date
        for row in 0..<tile.rowCount {
            output[row] = resolve(tile, chunk, row, &faults) { isDate ? readDate($0) : ColumnParser.readBool($0) } ?? 0
        }
    }

    /// The exact form of a number in an INT or DECIMAL column.
    static func readScaled(
        _ text: UnsafeBufferPointer<UInt8>, type: ColumnType, scale: Int, _ point: UInt8
    ) -> Outcome<Int64> {
        guard let number = NumberReader.written(text, point: point) else {
            return .fault("is no number; the column is \(type)", advice: numberAdvice(text, point))
        }
        do throws(NumberReader.ScaleFault) {
            return .value(try NumberReader.scaled(number, scale: scale))
        } catch {
            guard case .decimals(let found) = error else { return .fault("does not fit \(type), which has 64 bits") }
            let needed = found <= ColumnType.decimalScaleMax ? "DECIMAL(\(found)) is needed" : "DOUBLE is needed"
            return .fault("has \(found) \(found == 1 ? "decimal" : "decimals") and the column is \(type): \(needed)")
        }
    }

    static func readDouble(_ text: UnsafeBufferPointer<UInt8>, _ point: UInt8) -> Outcome<Double> {
        guard let number = NumberReader.written(text, point: point) else {
            return .fault("is no number; the column is DOUBLE", advice: numberAdvice(text, point))
        }
        if let value = NumberReader.fastDouble(number) { return .value(value) }
        // The library's reader rounds correctly whatever the number of digits; it wants a point.
        let digits = String(decoding: text.map { $0 == point ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
        guard let value = Double(digits), value.isFinite else { return .fault("does not fit DOUBLE") }
        return .value(value)
    }

    /// A word of the other convention, or one that often stands for "no value", deserves a hint.
    private static func numberAdvice(_ text: UnsafeBufferPointer<UInt8>, _ point: UInt8) -> String? {
        if point == UInt8(ascii: "."), NumberReader.written(text, point: UInt8(ascii: ",")) != nil {
            return "--decimal-comma reads 12,30 as a number"
        }
        let word = String(decoding: text, as: UTF8.self)
        return NullWords.usual.contains(word.lowercased()) ? "--null \(word) reads it as no value" : nil
    }

    static func readBool(_ text: UnsafeBufferPointer<UInt8>) -> Outcome<Int64> {
        switch truth(text) {
        case .some(let value): return .value(value ? 1 : 0)
        case .none:
            let word = String(decoding: text, as: UTF8.self)
            return .fault(
                "is neither true nor false; the column is BOOL",
                advice: NullWords.usual.contains(word.lowercased()) ? "--null \(word) reads it as no value" : nil)
        }
    }

    /// true, t, yes, y, 1 and false, f, no, n, 0, whatever the case.
    static func truth(_ text: UnsafeBufferPointer<UInt8>) -> Bool? {
        guard (1...5).contains(text.count) else { return nil }
        var word: UInt64 = 0
        for byte in text { word = word << 8 | UInt64(byte == 48 || byte == 49 ? byte : byte | 0x20) }
        switch word {
        case 0x31, 0x74, 0x79, 0x796573, 0x7472_7565: return true
        case 0x30, 0x66, 0x6E, 0x6E6F, 0x66_616C_7365: return false
        default: return nil
        }
    }
}

/// Words that people and programs write for "no value".
enum NullWords {
    /// In lower case.
    static let usual: Set<String> = ["null", "na", "n/a", "#n/a", "nan", "none", "nil", "\\n", "-", "undefined"]
}

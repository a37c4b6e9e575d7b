import DukkanFormat
import DukkanTime

/// That of the calendar, where a loop finds it without a call.
private let dayMicroseconds: Int64 = 86_400_000_000

extension ColumnParser {
    func parseTimes(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        let starts = tile.starts + column.slot * FieldTile.slotStride
        let lengths = tile.lengths + column.slot * FieldTile.slotStride
        let output = vector.integers + vector.count
        let bytes = UnsafePointer(chunk.bytes)
        let isISO = column.timeFormat == .iso8601 || column.timeFormat == .automatic
        var zone = zone, last = lastDate
        for row in 0..<tile.rowCount {
            let length = Int(lengths[row] & FieldTile.lengthMask)
            if isISO, let (micros, isUTC) = ColumnParser.fastTime(bytes + Int(starts[row]), length, &last) {
                output[row] = isUTC ? micros : zone.utc(fromLocal: micros)
            } else {
                output[row] = resolve(tile, chunk, row, &faults) { readTime($0, &zone) } ?? 0
            }
        }
        self.zone = zone
        lastDate = last
    }

    /// Reads `YYYY-MM-DD HH:MM:SS` and the like with three or six digits of fraction and `Z`; nil for all else.
    @inline(__always)
    static func fastTime(
        _ bytes: UnsafePointer<UInt8>, _ length: Int, _ last: inout (high: UInt64, low: UInt64, days: Int64)
    ) -> (microseconds: Int64, isUTC: Bool)? {
        guard length >= 19, length <= 27 else { return nil }
        let high = ByteWord.load(bytes), low = ByteWord.load(bytes + 8) & 0xFFFF
        if high != last.high || low != last.low {
            var at = 0
            guard let days = ISO8601.scanDate(UnsafeBufferPointer(start: bytes, count: 10), &at), at == 10 else {
                return nil
            }
            last = (high, low, days)
        }
        let blank = bytes[10]
        guard blank == 32 || blank == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
        else { return nil }
        let (h1, h2) = (bytes[11] &- 48, bytes[12] &- 48)
        let (m1, m2) = (bytes[14] &- 48, bytes[15] &- 48)
        let (s1, s2) = (bytes[17] &- 48, bytes[18] &- 48)
        guard max(h1, h2) < 10, max(m1, m2) < 10, max(s1, s2) < 10, m1 < 6, s1 < 6 else { return nil }
        let hour = Int64(h1) * 10 + Int64(h2)
        guard hour < 24 else { return nil }
        let seconds = hour * 3_600 + (Int64(m1) * 10 + Int64(m2)) * 60 + Int64(s1) * 10 + Int64(s2)
        var micros = last.days * dayMicroseconds + seconds * 1_000_000
        var end = 19
        if end < length, bytes[end] == UInt8(ascii: ".") {
            let isUTC = bytes[length - 1] == UInt8(ascii: "Z")
            let digits = length - 20 - (isUTC ? 1 : 0)
            guard digits == 3 || digits == 6, let fraction = NumberReader.shortDigits(bytes + 20, digits) else {
                return nil
            }
            micros += digits == 3 ? fraction * 1_000 : fraction
            end = 20 + digits
        }
        if end == length { return (micros, false) }
        return end + 1 == length && bytes[end] == UInt8(ascii: "Z") ? (micros, true) : nil
    }

    /// A time in any form that the column takes.
    func readTime(_ text: UnsafeBufferPointer<UInt8>, _ zone: inout ZoneCursor) -> Outcome<Int64> {
        guard let time = TimeForms.read(text, column.timeFormat, pattern: pattern) else { return timeFault(text) }
        return .value(time.hasOffset ? time.microseconds : zone.utc(fromLocal: time.microseconds))
    }

    /// A date: the day that the text names, which must not have another time of day than midnight.
    func readDate(_ text: UnsafeBufferPointer<UInt8>) -> Outcome<Int64> {
        guard let time = TimeForms.read(text, column.timeFormat, pattern: pattern) else { return timeFault(text) }
        guard time.microseconds % CivilCalendar.microsecondsPerDay == 0 else {
            return .fault("has a time of day and the column is DATE: TIMESTAMP is needed")
        }
        return .value(CivilCalendar.floorDays(microseconds: time.microseconds))
    }

    private func timeFault<Value>(_ text: UnsafeBufferPointer<UInt8>) -> Outcome<Value> {
        let word = String(decoding: text, as: UTF8.self)
        var advice: String?
        if NullWords.usual.contains(word.lowercased()) {
            advice = "--null \(word) reads it as no value"
        } else {
            let others: [TimeFormat] = [.automatic, .monthDayYear]
            if let other = others.first(where: {
                $0 != column.timeFormat && TimeForms.read(text, $0, pattern: nil) != nil
            }) {
                let named = other == .automatic ? TimeForms.guess(text) ?? other : other
                advice = "--time-format \(column.name)=\(named) reads it"
            }
        }
        let expected = column.timeFormat == .automatic ? "" : " of the form \(column.timeFormat)"
        return .fault("is no \(column.type == .date ? "date" : "time")\(expected)", advice: advice)
    }
}

import DukkanFormat
import DukkanTime

/// A pattern of `strptime`'s letters, ready to read times with.
struct TimePattern: Sendable, Equatable {
    private enum Element: Sendable, Hashable {
        case year, shortYear, month, monthName, day, weekdayName, hour, hour12, minute, second, fraction, half, zone
        case epoch, blanks
        case literal(UInt8)
    }

    private var elements: [Element] = []

    /// Letters that may follow the percent sign.
    static let letters = "YymbBhdeaAHIMSfpzZsTFDR%"

    /// Reads a pattern; throws `invalidArgument` for a letter that has no meaning.
    init(_ text: String) throws(DukkanError) {
        try add(text)
        let names = Set(elements)
        let hasDay = names.contains(.day) && (names.contains(.month) || names.contains(.monthName))
        guard names.contains(.epoch) || (hasDay && (names.contains(.year) || names.contains(.shortYear))) else {
            throw DukkanError(.invalidArgument, "the time pattern \(text) names no year, month and day")
        }
    }

    private mutating func add(_ text: String) throws(DukkanError) {
        var isLetter = false
        for byte in text.utf8 {
            if isLetter {
                isLetter = false
                try addLetter(Character(Unicode.Scalar(byte)))
            } else if byte == UInt8(ascii: "%") {
                isLetter = true
            } else {
                elements.append(byte == 32 ? .blanks : .literal(byte))
            }
        }
        if isLetter { throw DukkanError(.invalidArgument, "the time pattern \(text) ends with a %") }
    }

    private mutating func addLetter(_ letter: Character) throws(DukkanError) {
        switch letter {
        case "Y": elements.append(.year)
        case "y": elements.append(.shortYear)
        case "m": elements.append(.month)
        case "b", "B", "h": elements.append(.monthName)
        case "d", "e": elements.append(.day)
        case "a", "A": elements.append(.weekdayName)
        case "H": elements.append(.hour)
        case "I": elements.append(.hour12)
        case "M": elements.append(.minute)
        case "S": elements.append(.second)
        case "f": elements.append(.fraction)
        case "p": elements.append(.half)
        case "z", "Z": elements.append(.zone)
        case "s": elements.append(.epoch)
        case "%": elements.append(.literal(UInt8(ascii: "%")))
        case "T": try add("%H:%M:%S")
        case "F": try add("%Y-%m-%d")
        case "D": try add("%m/%d/%y")
        case "R": try add("%H:%M")
        default:
            throw DukkanError(
                .invalidArgument, "%\(letter) is no part of a time pattern",
                advice: "these are: " + TimePattern.letters.map { "%\($0)" }.joined(separator: " "))
        }
    }

    /// The time of a text; nil if it does not follow the pattern to its end or names no real time.
    func read(_ text: UnsafeBufferPointer<UInt8>) -> ISO8601.ParsedTime? {
        var pieces = Pieces()
        var scanner = TimeScanner(text)
        for element in elements {
            guard TimePattern.read(element, &scanner, &pieces) else { return nil }
        }
        return scanner.isAtEnd ? pieces.time : nil
    }

    /// What was read so far.
    private struct Pieces {
        var year: Int64 = 1970, month: Int64 = 1, day: Int64 = 1
        var hour: Int64 = 0, minute: Int64 = 0, second: Int64 = 0, micros: Int64 = 0
        var isAfternoon: Bool?
        var isHour12 = false
        var hasClock = false
        var offset: Int64?
        var epoch: Int64?

        var time: ISO8601.ParsedTime? {
            if let epoch {
                return ISO8601.ParsedTime(microseconds: epoch * 1_000_000 + micros, hasOffset: true, isDateOnly: false)
            }
            var hour = hour
            if isHour12 {
                guard (1...12).contains(hour) else { return nil }
                hour = hour % 12 + (isAfternoon == true ? 12 : 0)
            }
            guard hour < 24, minute < 60, second < 60,
                let days = CivilCalendar.validDays(year: year, month: month, day: day)
            else { return nil }
            let clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
            let local = days * CivilCalendar.microsecondsPerDay + clock
            return ISO8601.ParsedTime(
                microseconds: local - (offset ?? 0), hasOffset: offset != nil, isDateOnly: !hasClock)
        }
    }

    private static func read(_ element: Element, _ scanner: inout TimeScanner, _ pieces: inout Pieces) -> Bool {
        func number(_ least: Int, _ most: Int, _ path: WritableKeyPath<Pieces, Int64>) -> Bool {
            guard let value = scanner.number(least, most) else { return false }
            pieces[keyPath: path] = value
            return true
        }
        switch element {
        case .literal(let byte):
            guard !scanner.isAtEnd, scanner.peek == byte else { return false }
            scanner.at += 1
            return true
        case .blanks:
            scanner.skipBlanks()
            return true
        case .year: return number(4, 4, \.year)
        case .shortYear:
            guard number(2, 2, \.year) else { return false }
            pieces.year = TimeScanner.fullYear(pieces.year)
            return true
        case .month: return number(1, 2, \.month)
        case .monthName:
            guard let month = scanner.name(of: TimeScanner.months) else { return false }
            pieces.month = month + 1
            return true
        case .day: return number(1, 2, \.day)
        case .weekdayName: return scanner.name(of: TimeScanner.weekdays) != nil
        case .hour, .hour12:
            pieces.hasClock = true
            if element == .hour12 { pieces.isHour12 = true }
            return number(1, 2, \.hour)
        case .minute: return number(2, 2, \.minute)
        case .second: return number(2, 2, \.second)
        case .fraction:
            guard let micros = scanner.fraction() else { return false }
            pieces.micros = micros
            return true
        case .half:
            guard let afternoon = scanner.isAfternoon() else { return false }
            pieces.isAfternoon = afternoon
            return true
        case .zone:
            guard let offset = ISO8601.scanZone(scanner.text, &scanner.at) else { return false }
            pieces.offset = offset
            return true
        case .epoch:
            guard let value = scanner.number(1, 12) else { return false }
            pieces.epoch = value
            return true
        }
    }
}

import DukkanFormat
import DukkanTime

/// What the values of one column have in common, in constant memory.
struct ColumnProfile {
    var rowCount = 0
    var nullCount = 0
    /// The first value, and the chunk that it is from.
    var example: String?
    var exampleChunk = Int.max

    /// Values that read as a number, as true or false, as a time.
    var numberCount = 0
    var truthCount = 0
    var timeCount = 0
    /// Times by form, in the order of ``forms``.
    var formCounts = [Int](repeating: 0, count: ColumnProfile.forms.count)
    /// Times that name no time of day.
    var dateOnlyCount = 0
    /// Slashed dates that can only be `MM/DD`, and those that can only be `DD/MM`.
    var monthFirstCount = 0
    var dayFirstCount = 0
    /// Numbers of the other convention: `12,30` where the point is expected.
    var commaNumberCount = 0
    /// Whether a value was met that is text and nothing else: then the others need no look.
    var isText = false
    /// For times that stand one after the other.
    private var lastDate: (high: UInt64, low: UInt64, days: Int64) = (0, 0, 0)
    /// Of the numbers: digits in front of and behind the point, exponents, leading zeros, fractions other than `.0`.
    var wholeDigitsMax = 0
    var decimalsMax = 0
    var hasExponent = false
    var hasPoint = false
    var hasLeadingZero = false
    var hasFraction = false
    var exceedsInteger = false
    /// Numbers of eight digits that are days of 1900 to 2099.
    var compactDateCount = 0
    /// Words that stand for "no value" in other systems, and how often.
    var suspects = [String: Int]()

    /// Forms that are told apart.
    static let forms: [TimeFormat] = [
        .iso8601, .yearMonthDay, .compact, .dayMonthYear, .monthDayYear, .dayMonthName,
    ]

    mutating func add(_ text: UnsafeBufferPointer<UInt8>, chunk: Int, decimalComma: Bool) {
        rowCount += 1
        if exampleChunk > chunk || example == nil {
            example = String(decoding: text.prefix(100), as: UTF8.self)
            exampleChunk = chunk
        }
        if isText || addFast(text) { return }
        let word = ColumnParser.trimmed(text)
        if let number = NumberReader.written(word, point: UInt8(ascii: decimalComma ? "," : ".")) {
            add(number, word)
            return
        }
        if word.count <= 5, ColumnParser.truth(word) != nil {
            truthCount += 1
            return
        }
        if !decimalComma, NumberReader.written(word, point: UInt8(ascii: ",")) != nil {
            commaNumberCount += 1
            return
        }
        if let form = TimeForms.guess(word), word.count <= 40 {
            addTime(word, form)
            return
        }
        addSuspect(word)
    }

    /// Takes plain whole numbers and ISO times, which need no closer look.
    private mutating func addFast(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let bytes = text.baseAddress else { return false }
        if text.count < 8, bytes[0] &- 49 < 9, NumberReader.shortDigits(bytes, text.count) != nil {
            numberCount += 1
            wholeDigitsMax = max(wholeDigitsMax, text.count)
            if text.count == 1, bytes[0] == 49 { truthCount += 1 }
            return true
        }
        if ColumnParser.fastTime(bytes, text.count, &lastDate) != nil {
            timeCount += 1
            formCounts[0] += 1
            return true
        }
        return false
    }

    mutating func addNull() {
        rowCount += 1
        nullCount += 1
    }

    private mutating func add(_ number: NumberReader.Written, _ word: UnsafeBufferPointer<UInt8>) {
        numberCount += 1
        if word.count == 1, word[0] == 48 || word[0] == 49 { truthCount += 1 }
        hasExponent = hasExponent || number.hasExponent
        hasPoint = hasPoint || number.hasPoint
        hasLeadingZero = hasLeadingZero || number.hasLeadingZero
        hasFraction = hasFraction || number.exponent < 0
        let decimals = max(0, number.writtenDecimals)
        decimalsMax = max(decimalsMax, decimals)
        let signs = (word[0] == 43 || word[0] == 45 ? 1 : 0) + (number.hasPoint ? 1 : 0)
        wholeDigitsMax = max(wholeDigitsMax, number.hasExponent ? 19 : word.count - signs - decimals)
        if (try? NumberReader.scaled(number, scale: 0)) == nil { exceedsInteger = true }
        if word.count == 8, !number.hasPoint, let time = TimeForms.read(word, .compact, pattern: nil) {
            let year = CivilCalendar.civil(days: CivilCalendar.floorDays(microseconds: time.microseconds)).year
            if (1_900..<2_100).contains(year) { compactDateCount += 1 }
        }
    }

    private mutating func addTime(_ word: UnsafeBufferPointer<UInt8>, _ form: TimeFormat) {
        if let time = TimeForms.read(word, form, pattern: nil) {
            timeCount += 1
            if time.isDateOnly { dateOnlyCount += 1 }
            if let index = ColumnProfile.forms.firstIndex(of: form) { formCounts[index] += 1 }
            if form == .dayMonthYear, TimeForms.read(word, .monthDayYear, pattern: nil) == nil { dayFirstCount += 1 }
        } else if form == .dayMonthYear, let time = TimeForms.read(word, .monthDayYear, pattern: nil) {
            timeCount += 1
            monthFirstCount += 1
            if time.isDateOnly { dateOnlyCount += 1 }
        } else {
            addSuspect(word)
        }
    }

    private mutating func addSuspect(_ word: UnsafeBufferPointer<UInt8>) {
        let text = word.count <= 9 ? String(decoding: word, as: UTF8.self) : ""
        if NullWords.usual.contains(text.lowercased()) { suspects[text, default: 0] += 1 } else { isText = true }
    }

    /// Takes in what another thread found.
    mutating func merge(_ other: ColumnProfile) {
        rowCount += other.rowCount
        nullCount += other.nullCount
        if other.exampleChunk < exampleChunk { (example, exampleChunk) = (other.example, other.exampleChunk) }
        numberCount += other.numberCount
        truthCount += other.truthCount
        timeCount += other.timeCount
        for i in formCounts.indices { formCounts[i] += other.formCounts[i] }
        dateOnlyCount += other.dateOnlyCount
        monthFirstCount += other.monthFirstCount
        dayFirstCount += other.dayFirstCount
        commaNumberCount += other.commaNumberCount
        isText = isText || other.isText
        wholeDigitsMax = max(wholeDigitsMax, other.wholeDigitsMax)
        decimalsMax = max(decimalsMax, other.decimalsMax)
        hasExponent = hasExponent || other.hasExponent
        hasPoint = hasPoint || other.hasPoint
        hasLeadingZero = hasLeadingZero || other.hasLeadingZero
        hasFraction = hasFraction || other.hasFraction
        exceedsInteger = exceedsInteger || other.exceedsInteger
        compactDateCount += other.compactDateCount
        suspects.merge(other.suspects, uniquingKeysWith: +)
    }
}

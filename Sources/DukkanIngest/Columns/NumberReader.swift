/// Reads numbers from bytes.
///
/// Fast forms for what nearly all values look like; a nil sends the caller to the exact form.
enum NumberReader {
    /// Powers of ten that 64 bits hold.
    static let powers: [Int64] = (0...18).reduce(into: [Int64]()) { list, i in
        list.append(i == 0 ? 1 : list[i - 1] * 10)
    }

    /// The number of `length` digits, 1 to 8, at `bytes`; nil if one is no digit.
    ///
    /// Reads eight bytes.
    @inline(__always)
    static func shortDigits(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        let shift = UInt64(64 - 8 * length)
        // The digits move to the high bytes, zeros in front of them do not change the number.
        let word = (ByteWord.load(bytes) << shift) ^ (0x3030_3030_3030_3030 << shift)
        return digits(word)
    }

    /// The number whose eight digits, 0 to 9 each, are the bytes of a word, the first in the lowest byte.
    @inline(__always)
    private static func digits(_ word: UInt64) -> Int64? {
        if ((word &+ 0x7676_7676_7676_7676) | word) & ByteWord.highs != 0 { return nil }
        var value = (word &* 10) &+ (word >> 8)
        value =
            (((value & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064)
                &+ (((value >> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001)) >> 32
        return Int64(value & 0xFFFF_FFFF)
    }

    /// A whole number of up to 16 digits, perhaps with a minus.
    @inline(__always)
    static func fastInteger(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
        if length <= 8 {
            guard length > 0 else { return nil }
            if let value = shortDigits(bytes, length) { return value }
        }
        let isNegative = bytes[0] == UInt8(ascii: "-")
        let at = isNegative ? 1 : 0
        let count = length - at
        guard count > 0, count <= 16 else { return nil }
        let value: Int64
        if count <= 8 {
            guard let short = shortDigits(bytes + at, count) else { return nil }
            value = short
        } else {
            guard let high = shortDigits(bytes + at, count - 8), let low = shortDigits(bytes + at + count - 8, 8)
            else { return nil }
            value = high &* 100_000_000 &+ low
        }
        return isNegative ? 0 &- value : value
    }

    /// A decimal of up to eight characters as `12.34`, times ten to the power `scale`; nil when it is not of that form.
    @inline(__always)
    static func fastDecimal(
        _ bytes: UnsafePointer<UInt8>, _ length: Int, scale: Int, point: UInt8, powers: UnsafePointer<Int64>
    ) -> Int64? {
        guard length > 0, length <= 8 else { return nil }
        let word = ByteWord.load(bytes)
        let found = ByteWord.matches(word, point)
        let place = found.trailingZeroBitCount / 8
        guard found != 0, place < length - 1, place > 0 else {
            guard let value = shortDigits(bytes, length), scale <= 9 else { return nil }
            return value &* powers[scale]
        }
        let decimals = length - 1 - place
        guard decimals <= scale, scale - decimals <= 10 else { return nil }
        let below = (1 << UInt64(8 * place)) &- 1 as UInt64
        let joined = (word & below) | ((word >> 8) & ~below)
        let shift = UInt64(64 - 8 * (length - 1))
        guard let value = digits((joined << shift) ^ (0x3030_3030_3030_3030 << shift)) else { return nil }
        return value &* powers[scale - decimals]
    }

    /// A number as it is written: its digits without the point, and where the point stands.
    struct Written {
        var isNegative = false
        /// The digits as a number, leading zeros and trailing zeros of the fraction left out.
        var digits: UInt64 = 0
        /// The value is `digits` × 10 to the power `exponent`.
        var exponent = 0
        /// More digits than 19: `digits` holds the first ones only.
        var isLong = false
        /// Digits behind the point as written, trailing zeros counted, less the exponent.
        var writtenDecimals = 0
        /// Whether an exponent was written.
        var hasExponent = false
        /// Whether a point was written.
        var hasPoint = false
        /// Digits in front of the point with leading zeros, as `007` has.
        var hasLeadingZero = false
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`; nil for other text.
    static func written(_ text: UnsafeBufferPointer<UInt8>, point: UInt8) -> Written? {
        var number = Written()
        var at = 0
        if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
            number.isNegative = text[at] == UInt8(ascii: "-")
            at += 1
        }
        var digitCount = 0, pendingZeros = 0, wholeDigits = 0, fractionDigits = 0
        let first = at
        while at < text.count {
            let byte = text[at]
            if byte == point, !number.hasPoint {
                number.hasPoint = true
                at += 1
                continue
            }
            let digit = byte &- 48
            guard digit < 10 else { break }
            if number.hasPoint { fractionDigits += 1 } else { wholeDigits += 1 }
            if wholeDigits == 2, fractionDigits == 0, text[first] == 48 { number.hasLeadingZero = true }
            digitCount += 1
            if digit == 0, number.hasPoint || number.isLong {
                pendingZeros += 1
            } else if !number.isLong {
                // Zeros of the fraction count only once a digit follows them.
                for _ in 0..<pendingZeros + 1 {
                    let (high, overflow) = number.digits.multipliedReportingOverflow(by: 10)
                    if overflow || high > UInt64.max - 9 { number.isLong = true }
                    if !number.isLong { number.digits = high }
                }
                if !number.isLong { number.digits += UInt64(digit) }
                if number.hasPoint { number.exponent -= pendingZeros + 1 }
                pendingZeros = 0
            } else if number.hasPoint {
                number.exponent = -fractionDigits
            }
            at += 1
        }
        guard digitCount > 0 else { return nil }
        number.writtenDecimals = fractionDigits
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            guard let exponent = exponent(text, at + 1) else { return nil }
            number.hasExponent = true
            number.exponent += exponent
            number.writtenDecimals -= exponent
            at = text.count
        }
        return at == text.count ? number : nil
    }

    /// The exponent from `at` to the end.
    private static func exponent(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        var at = start
        var isNegative = false
        if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
            isNegative = text[at] == UInt8(ascii: "-")
            at += 1
        }
        guard at < text.count else { return nil }
        var value = 0
        while at < text.count {
            guard text[at] &- 48 < 10 else { return nil }
            value = min(value * 10 + Int(text[at] - 48), 100_000)
            at += 1
        }
        return isNegative ? -value : value
    }

    /// Why a number does not become an integer of a scale.
    enum ScaleFault: Error {
        /// It does not fit 64 bits.
        case range
        /// It has this many decimals.
        case decimals(Int)
    }

    /// The number times ten to the power `scale`, exact.
    static func scaled(_ number: Written, scale: Int) throws(ScaleFault) -> Int64 {
        if number.digits == 0 && !number.isLong { return 0 }
        let power = number.exponent + scale
        if number.isLong { throw power < 0 ? .decimals(-number.exponent) : .range }
        if power < 0 {
            // Zeros at the end of the digits may stand behind the point, as in 1200e-2.
            var digits = number.digits, left = -power
            while left > 0, digits % 10 == 0 { (digits, left) = (digits / 10, left - 1) }
            if left > 0 { throw .decimals(scale + left) }
            return try signed(digits, number.isNegative)
        }
        var digits = number.digits
        guard power <= 19 else { throw .range }
        for _ in 0..<power {
            let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
            if overflow { throw .range }
            digits = product
        }
        return try signed(digits, number.isNegative)
    }

    private static func signed(_ magnitude: UInt64, _ isNegative: Bool) throws(ScaleFault) -> Int64 {
        if isNegative {
            guard magnitude <= UInt64(Int64.max) + 1 else { throw .range }
            return Int64(truncatingIfNeeded: 0 &- magnitude)
        }
        guard magnitude <= UInt64(Int64.max) else { throw .range }
        return Int64(magnitude)
    }

    /// The nearest double where that is one exact operation: at most 15 digits and a small power of ten.
    static func fastDouble(_ number: Written) -> Double? {
        guard !number.isLong, number.digits < 1 << 53, (-22...22).contains(number.exponent) else { return nil }
        var power = 1.0
        for _ in 0..<abs(number.exponent) { power *= 10 }
        let value = number.exponent < 0 ? Double(number.digits) / power : Double(number.digits) * power
        return number.isNegative ? -value : value
    }
}

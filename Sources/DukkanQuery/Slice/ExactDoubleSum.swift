/// A sum of doubles without any rounding before the end, so that it does not depend on the order of its terms and is the
/// same for any number of threads and any layout of parts.
///
/// A small superaccumulator after R. M. Neal, "Fast exact summation using small and large superaccumulators" (2015): the
/// number line cut into words of 32 bits that each have 31 bits of room for carries. Adding is O(1); 560 bytes.
struct ExactDoubleSum: Sendable {
    private var words: [Int64]
    private var pending = 0
    private var special = 0.0
    private var hasSpecial = false

    /// Bit 0 of word 0 stands for 2^-1074; 2^1023 with its 53 bits ends in word 65, and two words take the carries.
    private static let wordCount = 68
    /// Additions after which carries are passed on: each adds less than 2^32 to a word.
    private static let pendingMax = 1 << 30

    init() {
        words = [Int64](repeating: 0, count: ExactDoubleSum.wordCount)
    }

    mutating func add(_ value: Double) {
        let bits = value.bitPattern
        let exponent = Int(truncatingIfNeeded: bits >> 52) & 0x7FF
        if exponent == 0x7FF {
            special += value
            hasSpecial = true
            return
        }
        var mantissa = bits & ((1 << 52) - 1)
        if exponent != 0 { mantissa |= 1 << 52 }
        let shift = max(exponent, 1) - 1
        let word = shift >> 5, offset = UInt64(shift & 31)
        let low = mantissa << offset
        let high = offset == 0 ? 0 : mantissa >> (64 - offset)
        let sign: Int64 = bits >> 63 == 0 ? 1 : -1
        words[word] &+= sign &* Int64(low & 0xFFFF_FFFF)
        words[word + 1] &+= sign &* Int64(low >> 32)
        words[word + 2] &+= sign &* Int64(high)
        pending += 1
        if pending >= ExactDoubleSum.pendingMax { passCarries() }
    }

    mutating func add(_ other: ExactDoubleSum) {
        var other = other
        other.passCarries()
        passCarries()
        for i in words.indices { words[i] &+= other.words[i] }
        special += other.special
        hasSpecial = hasSpecial || other.hasSpecial
        pending = 2
    }

    private mutating func passCarries() {
        for i in 0..<ExactDoubleSum.wordCount - 1 {
            let carry = words[i] >> 32
            words[i] &-= carry << 32
            words[i + 1] &+= carry
        }
        pending = 1
    }

    /// The sum, rounded once (to within one unit in the last place).
    var value: Double {
        if hasSpecial { return special }
        var copy = self
        copy.passCarries()
        // All words but the topmost are now from 0 to 2^32 - 1; a negative sum has a negative top.
        let isNegative = (copy.words.last(where: { $0 != 0 }) ?? 0) < 0
        if isNegative {
            for i in copy.words.indices { copy.words[i] = -copy.words[i] }
            copy.passCarries()
        }
        guard let top = copy.words.lastIndex(where: { $0 != 0 }) else { return 0 }
        var magnitude = 0.0
        for i in stride(from: max(0, top - 3), through: top, by: 1) {
            let scaled = Double(sign: .plus, exponent: 32 * i - 1074, significand: Double(copy.words[i]))
            magnitude += scaled
        }
        return isNegative ? -magnitude : magnitude
    }
}

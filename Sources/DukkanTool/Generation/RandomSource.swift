/// A seeded stream of random numbers: xoshiro256++ of Blackman and Vigna, its state filled by SplitMix64.
///
/// The stream of a seed never changes: generated data is the same on every machine and in every release.
struct RandomSource {
    private var a, b, c, d: UInt64

    /// `stream` separates independent streams of one seed.
    init(seed: UInt64, stream: UInt64) {
        var state = seed &+ stream &* 0xD134_2543_DE82_EF95
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        a = next()
        b = next()
        c = next()
        d = next()
    }

    @inline(__always)
    mutating func bits() -> UInt64 {
        let sum = a &+ d
        let result = (sum << 23 | sum >> 41) &+ a
        let shifted = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = d << 45 | d >> 19
        return result
    }

    /// Uniform in [0, 1).
    @inline(__always)
    mutating func unit() -> Double { Double(bits() >> 11) * 0x1p-53 }

    /// Uniform in 0 ..< count.
    @inline(__always)
    mutating func below(_ count: Int) -> Int {
        Int(truncatingIfNeeded: bits().multipliedFullWidth(by: UInt64(count)).high)
    }
}

import CDukkanKernels

/// What one pass over a list tells about the forms that may pay.
struct IntegerProfile {
    var minimum: Int64
    var maximum: Int64
    /// Runs of equal values.
    var runCount = 1
    /// Values less than the one before.
    var descentCount = 0
    /// The greatest common divisor of all distances from the minimum; 1 for none.
    var divisor: UInt64 = 0

    /// Profiles a list that is not empty.
    ///
    /// O(count).
    init(_ values: UnsafePointer<Int64>, _ count: Int) {
        var profile = dukkan_profile()
        dukkan_profile_integers(values, count, &profile)
        minimum = profile.minimum
        maximum = profile.maximum
        runCount = Int(profile.changes) + 1
        descentCount = Int(profile.descents)
        divisor = IntegerProfile.commonDivisor(values, count, minimum)
    }

    /// The greatest common divisor of all distances from `origin`; 1 for none.
    ///
    /// Ends early where it is 1.
    static func commonDivisor(_ values: UnsafePointer<Int64>, _ count: Int, _ origin: Int64) -> UInt64 {
        var divisor = ExactDivisor(0)
        for i in 0..<count {
            let distance = UInt64(bitPattern: values[i] &- origin)
            if divisor.divides(distance) { continue }
            var (a, b) = (distance, divisor.value)
            while b != 0 { (a, b) = (b, a % b) }
            if a == 1 { return 1 }
            divisor = ExactDivisor(a)
        }
        return max(divisor.value, 1)
    }
}

/// Tests and divides by one number without a division: its odd part has an inverse modulo 2^64.
///
/// The test is that of "Hacker's Delight" (Warren 2002), section 10-17.
struct ExactDivisor {
    let value: UInt64
    private let shift: UInt64
    private let inverse: UInt64
    private let quotientMax: UInt64

    init(_ value: UInt64) {
        self.value = value
        shift = value == 0 ? 0 : UInt64(value.trailingZeroBitCount)
        let odd = value == 0 ? 1 : value >> shift
        // Each step doubles the number of right bits, of which the odd number itself has three.
        var inverse = odd
        for _ in 0..<5 { inverse = inverse &* (2 &- odd &* inverse) }
        self.inverse = inverse
        quotientMax = UInt64.max / odd
    }

    @inline(__always)
    func divides(_ number: UInt64) -> Bool {
        if value == 0 { return number == 0 }
        let quotient = (number &>> shift) &* inverse
        return number & ((1 &<< shift) &- 1) == 0 && quotient <= quotientMax
    }

    /// The quotient of a number that it divides.
    @inline(__always)
    func quotient(_ number: UInt64) -> UInt64 { (number &>> shift) &* inverse }
}

/// Finds the distinct values of a list when there are few.
enum DistinctValues {
    /// Most distinct values that are looked for.
    static let countMax = 4_096
    private static let slotCount = 4 * countMax

    @inline(__always)
    private static func slot(_ value: Int64) -> Int {
        Int(truncatingIfNeeded: (UInt64(bitPattern: value) &* 0x9E37_79B9_7F4A_7C15) >> 50)
    }

    /// The distinct values in order of appearance; nil if there are more than `countMax`.
    static func find(_ values: UnsafePointer<Int64>, _ count: Int, countMax limit: Int) -> [Int64]? {
        withTable { slots, marks in
            var distinct: [Int64] = []
            for i in 0..<count {
                let value = values[i]
                var at = slot(value)
                while marks[at] >= 0 && slots[at] != value { at = (at + 1) & (slotCount - 1) }
                if marks[at] >= 0 { continue }
                if distinct.count == limit { return nil }
                slots[at] = value
                marks[at] = 0
                distinct.append(value)
            }
            return distinct
        }
    }

    /// The index in `distinct` of each value; all must be there.
    static func indices(
        of values: UnsafePointer<Int64>, _ count: Int, in distinct: [Int64], into out: UnsafeMutablePointer<Int64>
    ) {
        withTable { slots, marks in
            for (index, value) in distinct.enumerated() {
                var at = slot(value)
                while marks[at] >= 0 { at = (at + 1) & (slotCount - 1) }
                slots[at] = value
                marks[at] = Int32(index)
            }
            for i in 0..<count {
                var at = slot(values[i])
                while slots[at] != values[i] || marks[at] < 0 { at = (at + 1) & (slotCount - 1) }
                out[i] = Int64(marks[at])
            }
        }
    }

    private static func withTable<Result>(
        _ body: (UnsafeMutablePointer<Int64>, UnsafeMutablePointer<Int32>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: slotCount) { slots in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: slotCount) { marks in
                slots.initialize(repeating: 0)
                marks.initialize(repeating: -1)
                return body(slots.baseAddress!, marks.baseAddress!)
            }
        }
    }
}

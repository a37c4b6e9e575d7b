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
        var minimum = values[0], maximum = values[0]
        var changes = 0, descents = 0
        for i in 1..<max(count, 1) {
            let value = values[i], previous = values[i - 1]
            minimum = min(minimum, value)
            maximum = max(maximum, value)
            changes &+= value != previous ? 1 : 0
            descents &+= value < previous ? 1 : 0
        }
        self.minimum = minimum
        self.maximum = maximum
        runCount = changes + 1
        descentCount = descents
        divisor = IntegerProfile.commonDivisor(values, count, minimum)
    }

    static func commonDivisor(_ values: UnsafePointer<Int64>, _ count: Int, _ origin: Int64) -> UInt64 {
        var divisor: UInt64 = 0
        for i in 0..<count {
            var rest = UInt64(bitPattern: values[i] &- origin)
            if divisor != 0 && rest % divisor == 0 { continue }
            while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
            if divisor == 1 { break }
        }
        return max(divisor, 1)
    }
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

package import DukkanFormat

/// The calendar periods of a range of time, numbered from 0, and a table that finds the number of a time without a
/// division: for any zone about a nanosecond a row.
///
/// Time is cut into buckets of a power of two of microseconds, each shorter than the shortest period, so a bucket holds
/// one border between periods at most: number = that of the bucket's begin, and one more from the border on.
package final class PeriodAxis: Sendable {
    private struct Bucket: BitwiseCopyable {
        /// First instant of the next period.
        var border: Int64
        /// Number of the period at the bucket's begin.
        var number: UInt32
    }

    /// The periods' rule.
    package let rule: PeriodRule
    /// First instants, ascending; one more than there are periods: the last is the end of the last period.
    package let starts: [Int64]
    private let shift: UInt64
    private let buckets: [Bucket]

    /// Looked up for a time past the table; one more is still a number of no period.
    static let outside = UInt32.max - 1
    /// Most periods of one axis: hours of 114 years.
    package static let periodCountMax = 1_000_000

    /// Makes the axis of a range of times.
    ///
    /// O(periods).
    ///
    /// - Throws: `limit` for more than ``periodCountMax`` periods, `invalid_query` for times outside years 1 to 9999.
    package init(_ rule: PeriodRule, covering range: ClosedRange<Int64>) throws {
        self.rule = rule
        starts = try rule.starts(covering: range, countMax: PeriodAxis.periodCountMax)
        shift = UInt64(63 - rule.shortest.leadingZeroBitCount)
        let origin = starts[0], count = starts.count - 1
        let bucketCount = Int((starts[count] - origin) >> Int64(shift)) + 1
        var buckets: [Bucket] = []
        buckets.reserveCapacity(bucketCount + 1)
        var number = 0
        for bucket in 0..<bucketCount {
            let begin = origin + Int64(bucket) << Int64(shift)
            while number < count && starts[number + 1] <= begin { number += 1 }
            let border = number < count ? starts[number + 1] : Int64.max
            buckets.append(Bucket(border: border, number: UInt32(number)))
        }
        // What lies outside the table is looked up here.
        buckets.append(Bucket(border: Int64.max, number: PeriodAxis.outside))
        self.buckets = buckets
    }

    /// Periods.
    package var count: Int { starts.count - 1 }

    /// Writes the number of each time's period, ``count`` or more where the axis does not cover it.
    package func numbers(
        of times: UnsafePointer<Int64>, count: Int, into numbers: UnsafeMutablePointer<UInt32>
    ) {
        let origin = starts[0], shift = shift
        buckets.withUnsafeBufferPointer { buckets in
            guard let table = buckets.baseAddress else { return }
            let last = UInt64(buckets.count - 1)
            for row in 0..<count {
                let time = times[row]
                let at = UInt64(bitPattern: time &- origin) &>> shift
                let bucket = table[Int(truncatingIfNeeded: at < last ? at : last)]
                numbers[row] = bucket.number &+ (time >= bucket.border ? 1 : 0)
            }
        }
    }

    /// The number of one time's period; ``count`` or more where the axis does not cover it.
    package func number(of time: Int64) -> Int {
        var time = time
        var number: UInt32 = 0
        numbers(of: &time, count: 1, into: &number)
        return Int(number)
    }

    /// Writes the first instant of each time's period.
    ///
    /// `times` and `starts` may be the same memory. Times that the axis does not cover stay as they are.
    package func truncate(_ times: UnsafePointer<Int64>, count: Int, into truncated: UnsafeMutablePointer<Int64>) {
        let origin = starts[0], shift = shift, periodCount = UInt32(self.count)
        buckets.withUnsafeBufferPointer { buckets in
            starts.withUnsafeBufferPointer { starts in
                guard let table = buckets.baseAddress, let firsts = starts.baseAddress else { return }
                let last = UInt64(buckets.count - 1)
                for row in 0..<count {
                    let time = times[row]
                    let at = UInt64(bitPattern: time &- origin) &>> shift
                    let bucket = table[Int(truncatingIfNeeded: at < last ? at : last)]
                    let number = bucket.number &+ (time >= bucket.border ? 1 : 0)
                    truncated[row] = number < periodCount ? firsts[Int(number)] : time
                }
            }
        }
    }

    /// The name of a period in an answer: its first day, or for an hour its first instant.
    package func label(_ number: Int) -> Value {
        rule.label(ofStart: starts[number])
    }
}

extension PeriodRule {
    /// Writes the first instant of each time's period, for times of any range: by an axis over the times' own range
    /// where that is not too wide, else one by one.
    ///
    /// - Throws: `invalid_query` for times outside years 1 to 9999.
    package func truncate(
        _ times: UnsafePointer<Int64>, count: Int, into truncated: UnsafeMutablePointer<Int64>
    ) throws {
        guard count > 0 else { return }
        var least = times[0], greatest = times[0]
        for row in 1..<max(count, 1) {
            least = min(least, times[row])
            greatest = max(greatest, times[row])
        }
        // An axis costs one step a period; past some multiple of the rows single look-ups are cheaper.
        if (greatest / shortest - least / shortest) < Int64(count) * 64 + 1_000 {
            try PeriodAxis(self, covering: least...greatest).truncate(times, count: count, into: truncated)
        } else {
            for row in 0..<count { truncated[row] = try start(containing: times[row]) }
        }
    }
}

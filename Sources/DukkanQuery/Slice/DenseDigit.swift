import DukkanFormat

/// One key of a dense numbering over a batch: multiplies the numbers so far by its radix and adds its digit.
///
/// Null rows hold 0 in the vector, whatever the digits' lowest value; the digit of null replaces that of 0.
struct DenseDigit {
    private let codes: UnsafePointer<UInt32>?
    private let integers: UnsafePointer<Int64>?
    private let low: Int64
    /// 0 for the first key, which so overwrites what the memory held.
    private let radix: UInt32
    private let validity: UnsafePointer<UInt64>?
    /// From the digit of 0 to that of null.
    private let toNull: UInt32

    init(_ vector: ColumnVector, _ key: GroupingPlan.DenseKey, isFirst: Bool) {
        radix = isFirst ? 0 : UInt32(key.radix)
        validity = vector.hasNulls ? UnsafePointer(vector.validity) : nil
        switch key.digits {
        case .codes:
            codes = UnsafePointer(vector.codes)
            integers = nil
            low = 0
        case .integers(let least):
            codes = nil
            integers = UnsafePointer(vector.integers)
            low = least
        }
        toNull = UInt32(key.size) &- UInt32(truncatingIfNeeded: 0 &- low)
    }

    /// For every row.
    func add(to numbers: UnsafeMutablePointer<UInt32>, _ count: Int) {
        if let codes {
            if radix == 0 {
                numbers.update(from: codes, count: count)
            } else {
                for row in 0..<count { numbers[row] = numbers[row] &* radix &+ codes[row] }
            }
        } else if let integers {
            if radix == 0 {
                for row in 0..<count { numbers[row] = UInt32(truncatingIfNeeded: integers[row] &- low) }
            } else {
                for row in 0..<count {
                    numbers[row] = numbers[row] &* radix &+ UInt32(truncatingIfNeeded: integers[row] &- low)
                }
            }
        }
        guard let validity else { return }
        for row in 0..<count {
            let isNull = UInt32(truncatingIfNeeded: ~validity[row &>> 6] &>> UInt64(truncatingIfNeeded: row)) & 1
            numbers[row] = numbers[row] &+ isNull &* toNull
        }
    }

    /// For some rows.
    func add(to numbers: UnsafeMutablePointer<UInt32>, _ indices: UnsafePointer<UInt32>, _ count: Int) {
        if let codes {
            for i in 0..<count {
                let row = Int(indices[i])
                numbers[row] = (radix == 0 ? 0 : numbers[row] &* radix) &+ codes[row]
            }
        } else if let integers {
            for i in 0..<count {
                let row = Int(indices[i])
                let digit = UInt32(truncatingIfNeeded: integers[row] &- low)
                numbers[row] = (radix == 0 ? 0 : numbers[row] &* radix) &+ digit
            }
        }
        guard let validity else { return }
        for i in 0..<count {
            let row = Int(indices[i])
            let isNull = UInt32(truncatingIfNeeded: ~validity[row &>> 6] &>> UInt64(truncatingIfNeeded: row)) & 1
            numbers[row] = numbers[row] &+ isNull &* toNull
        }
    }
}

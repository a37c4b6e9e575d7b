import CDukkanKernels
import DukkanFormat

/// One key of a dense numbering over a batch: multiplies the numbers so far by its radix and adds its digit.
///
/// Null rows hold 0 in the vector, whatever the digits' lowest value; the digit of null replaces that of 0.
struct DenseDigit {
    private let vector: ColumnVector
    private let key: GroupingPlan.DenseKey
    /// 0 for the first key, which so overwrites what the memory held.
    private let radix: UInt32
    private let low: Int64

    init(_ vector: ColumnVector, _ key: GroupingPlan.DenseKey, isFirst: Bool) {
        self.vector = vector
        self.key = key
        radix = isFirst ? 0 : UInt32(key.radix)
        if case .integers(let least) = key.digits { low = least } else { low = 0 }
    }

    /// For every row; periods need memory of their own behind the first key.
    func add(
        to numbers: UnsafeMutablePointer<UInt32>, _ count: Int, memory: UnsafeMutablePointer<UInt32>
    ) throws {
        switch key.digits {
        case .codes: dukkan_add_code_digit(numbers, vector.codes, count, radix)
        case .integers: dukkan_add_integer_digit(numbers, vector.integers, count, radix, low)
        case .periods(let periods):
            let digits = radix == 0 ? numbers : memory
            guard
                dukkan_number_periods(
                    vector.integers, count, periods.first, UInt64(periods.length), UInt64(periods.span), digits) != 0
            else { throw GroupNumbers.outOfBounds() }
            if radix != 0 { dukkan_add_code_digit(numbers, digits, count, radix) }
        }
        guard vector.hasNulls else { return }
        dukkan_add_null_digit(numbers, vector.validity, count, toNull)
    }

    /// From the digit of 0 to that of null.
    private var toNull: UInt32 { UInt32(key.size) &- UInt32(truncatingIfNeeded: 0 &- low) }
}

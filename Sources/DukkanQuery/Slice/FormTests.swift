import DukkanFormat

/// What the forms of columns may decide of a filter's conditions, found once for each.
struct FormTests {
    private enum Test {
        case column(Int, ValueTest)
        case never
    }

    private var tests: [Test?]
    private let exceptions: [Int]

    /// - Parameters:
    ///   - count: conditions of the filter.
    ///   - exceptions: columns whose values are needed anyway.
    init(count: Int, except exceptions: [Int] = []) {
        tests = Array(repeating: nil, count: count)
        self.exceptions = exceptions
    }

    /// Lets a column's form tell which rows meet a condition; false where it cannot.
    ///
    /// - Parameters:
    ///   - number: the condition's number among all.
    ///   - predicate: the condition.
    ///   - evaluator: evaluates it for the strings of a dictionary.
    ///   - bits: gets a bit for each row.
    ///   - rowCount: rows of the block.
    ///   - dictionary: the dictionary of a column's strings, if all blocks have the same.
    ///   - select: asks the column.
    mutating func decide(
        _ number: Int, _ predicate: Predicate, _ evaluator: VectorEvaluator, into bits: Bits, _ rowCount: Int,
        dictionary: (Int) -> StringDictionary?,
        select: (ValueTest, Int, UnsafeMutablePointer<UInt64>) throws -> Bool
    ) throws -> Bool {
        let known = try tests[number] ?? test(predicate, evaluator, dictionary)
        tests[number] = known
        guard case .column(let slot, let test) = known else { return false }
        // The kernels write whole words, and may need one more.
        bits.resize(rowCount + 64)
        bits.resize(rowCount)
        return try select(test, slot, bits.words)
    }

    private func test(
        _ predicate: Predicate, _ evaluator: VectorEvaluator, _ dictionary: (Int) -> StringDictionary?
    ) throws -> Test {
        switch predicate {
        case .range(let slot, let low, let high) where low <= high && !exceptions.contains(slot):
            return .column(slot, .range(low: low, high: high))
        case .strings(let condition):
            guard case .column(let slot) = condition.leaf.node, !exceptions.contains(slot),
                let strings = dictionary(slot)
            else { return .never }
            return .column(slot, .codes(flags: try condition.table(strings, evaluator.scalars).flags))
        default: return .never
        }
    }
}

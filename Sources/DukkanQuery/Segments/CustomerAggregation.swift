import CDukkanKernels
import DukkanFormat

/// Computes one aggregate for each customer of a morsel from the rows of a table.
struct CustomerAggregation {
    let plan: CustomerAggregate
    let starts: UnsafePointer<UInt32>
    let customerCount: Int
    let evaluator: VectorEvaluator

    /// One value a customer.
    ///
    /// Throws `overflow` where a sum leaves 64 bits.
    func values(_ rows: ExpressionRows, predicate: Predicate?) throws -> ColumnVector {
        var bits: Bits?
        if let predicate {
            let selected = evaluator.scratchBits()
            try evaluator.select(predicate, rows, into: selected)
            bits = selected
        }
        let argument = try plan.argument.map { try evaluator.vector($0, rows) }
        if let argument, argument.hasNulls, plan.function != .first, plan.function != .last {
            let valid = bits ?? evaluator.scratchBits()
            if bits == nil { valid.fill(rows.count, with: true) }
            valid.formIntersection(argument.validity)
            bits = valid
        }
        let result = evaluator.scratch(plan.type.physical)
        result.reserve(customerCount)
        switch plan.function {
        case .count: count(bits, into: result)
        case .average: try average(bits, argument, into: result)
        case .sum: try sum(bits, argument, into: result)
        case .minimum, .maximum: extreme(bits, argument, into: result)
        case .first, .last: edge(bits, argument, into: result)
        case .countDistinct: countDistinct(bits, argument, into: result)
        case .quantile(let fraction): quantile(fraction, bits, argument, into: result)
        case .activePeriods: countPeriods(bits, argument, into: result)
        }
        return result
    }

    private func count(_ bits: Bits?, into result: ColumnVector) {
        let output = result.integers
        result.count = customerCount
        guard let bits else {
            for c in 0..<customerCount { output[c] = Int64(starts[c + 1] &- starts[c]) }
            return
        }
        let ranks = evaluator.scratch(.codes), before = evaluator.scratch(.codes)
        ranks.reserve(customerCount + 1)
        before.reserve(bits.wordCount + 1)
        let places = ranks.codes
        dukkan_ranks(bits.words, bits.count, starts, customerCount + 1, before.codes, places)
        for c in 0..<customerCount { output[c] = Int64(places[c &+ 1] &- places[c]) }
    }

    private func sum(_ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) throws {
        guard let argument else { return }
        if argument.kind == .doubles {
            let values = UnsafePointer(argument.doubles)
            for c in 0..<customerCount {
                var total = ExactDoubleSum()
                var found = false
                forEachRow(c, bits) {
                    total.add(values[$0])
                    found = true
                }
                if found { result.append(total.value) } else { result.appendNull() }
            }
            return
        }
        let values = UnsafePointer(argument.integers)
        let words = bits.map { UnsafePointer($0.words) }
        let output = result.integers
        var isOver = false, hasEmpty = false
        for c in 0..<customerCount {
            var total: Int64 = 0
            for row in Int(starts[c])..<Int(starts[c &+ 1]) {
                if let words, words[row &>> 6] & (1 &<< UInt64(truncatingIfNeeded: row)) == 0 { continue }
                let (next, over) = total.addingReportingOverflow(values[row])
                total = next
                isOver = isOver || over
            }
            output[c] = total
            let found =
                words.map { countBits($0, Int(starts[c]), Int(starts[c &+ 1])) > 0 } ?? (starts[c &+ 1] > starts[c])
            hasEmpty = hasEmpty || !found
        }
        if isOver { throw ScalarEvaluator.overflow("a customer's sum") }
        result.count = customerCount
        guard hasEmpty else { return }
        result.beginNulls()
        let validity = result.validity
        for c in 0..<customerCount {
            let found =
                words.map { countBits($0, Int(starts[c]), Int(starts[c &+ 1])) > 0 } ?? (starts[c &+ 1] > starts[c])
            if !found { validity[c >> 6] &= ~(1 << UInt64(c & 63)) }
        }
    }

    private func average(_ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) throws {
        guard let argument, let type = plan.argument?.type else { return }
        for c in 0..<customerCount {
            var rows = 0
            var doubles = ExactDoubleSum()
            var whole = Int128(0)
            forEachRow(c, bits) {
                if argument.kind == .doubles {
                    doubles.add(argument.doubles[$0])
                } else {
                    whole += Int128(argument.integers[$0])
                }
                rows += 1
            }
            if rows == 0 {
                result.appendNull()
            } else if argument.kind == .doubles {
                result.append(doubles.value / Double(rows))
            } else {
                result.append(DecimalValue.double(whole, scale: type.scale ?? 0) / Double(rows))
            }
        }
    }

    @inline(__always)
    func forEachRow(_ customer: Int, _ bits: Bits?, _ body: (Int) -> Void) {
        for row in Int(starts[customer])..<Int(starts[customer + 1]) where bits?[row] ?? true { body(row) }
    }
}

/// The number of bits set from `from` up to `to`.
///
/// O(words touched).
@inline(__always)
func countBits(_ words: UnsafePointer<UInt64>, _ from: Int, _ to: Int) -> Int {
    if from >= to { return 0 }
    let first = from >> 6, last = (to &- 1) >> 6
    let head = ~UInt64(0) &<< UInt64(truncatingIfNeeded: from & 63)
    let tail = ~UInt64(0) &>> UInt64(truncatingIfNeeded: 63 &- ((to &- 1) & 63))
    if first == last { return (words[first] & head & tail).nonzeroBitCount }
    var total = (words[first] & head).nonzeroBitCount &+ (words[last] & tail).nonzeroBitCount
    var w = first &+ 1
    while w < last {
        total &+= words[w].nonzeroBitCount
        w &+= 1
    }
    return total
}

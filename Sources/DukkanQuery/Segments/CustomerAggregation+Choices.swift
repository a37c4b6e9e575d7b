import DukkanFormat

/// Aggregates that choose among a customer's values, or count different ones.
extension CustomerAggregation {
    /// The least or greatest value.
    func extreme(_ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) {
        guard let argument else { return }
        let isMaximum = plan.function == .maximum
        let dictionary = argument.dictionary ?? .empty
        result.dictionary = argument.dictionary
        for c in 0..<customerCount {
            var best = -1
            forEachRow(c, bits) { row in
                if best < 0 {
                    best = row
                    return
                }
                let isLess: Bool, isGreater: Bool
                switch argument.kind {
                case .doubles:
                    let (a, b) = (argument.doubles[row], argument.doubles[best])
                    (isLess, isGreater) = (a < b, a > b)
                case .integers:
                    let (a, b) = (argument.integers[row], argument.integers[best])
                    (isLess, isGreater) = (a < b, a > b)
                case .codes:
                    let order = dictionary.withBytes(Int(argument.codes[row])) { a in
                        dictionary.withBytes(Int(argument.codes[best])) { StringDictionary.compare(a, $0) }
                    }
                    (isLess, isGreater) = (order < 0, order > 0)
                }
                if isMaximum ? isGreater : isLess { best = row }
            }
            append(best < 0 ? nil : best, of: argument, to: result)
        }
    }

    /// The value in each customer's first or last row, which may be null; her rows lie in the order of time.
    func edge(_ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) {
        guard let argument else { return }
        result.dictionary = argument.dictionary
        for c in 0..<customerCount {
            let rows = Int(starts[c])..<Int(starts[c + 1])
            let found =
                plan.function == .first ? rows.first { bits?[$0] ?? true } : rows.last { bits?[$0] ?? true }
            append(found, of: argument, to: result)
        }
    }

    /// Appends the value of a row, or a null where there is none.
    private func append(_ row: Int?, of argument: ColumnVector, to result: ColumnVector) {
        guard let row, argument.isValid(row) else {
            result.appendNull()
            return
        }
        switch argument.kind {
        case .integers: result.append(argument.integers[row])
        case .doubles: result.append(argument.doubles[row])
        case .codes: result.append(code: argument.codes[row])
        }
    }

    func countDistinct(_ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) {
        guard let argument else { return }
        // Computed texts may stand in a dictionary twice.
        let dictionary = argument.dictionary ?? .empty
        var interner = StringInterner()
        var interned = [Int64](repeating: -1, count: argument.kind == .codes ? dictionary.count : 0)
        var words: [Int64] = []
        for c in 0..<customerCount {
            words.removeAll(keepingCapacity: true)
            forEachRow(c, bits) { row in
                switch argument.kind {
                case .integers: words.append(argument.integers[row])
                case .doubles: words.append(GroupNumbers.word(argument.doubles[row]))
                case .codes:
                    let code = Int(argument.codes[row])
                    if interned[code] < 0 { interned[code] = Int64(interner.code(of: dictionary.string(code))) }
                    words.append(interned[code])
                }
            }
            SharedSort.sort(&words)
            var count: Int64 = 0
            for (place, word) in words.enumerated() where place == 0 || word != words[place - 1] { count += 1 }
            result.append(count)
        }
    }

    func quantile(_ fraction: Double, _ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) {
        guard let argument, let type = plan.argument?.type else { return }
        let divisor = Double(powersOfTen[type.scale ?? 0])
        var values: [Double] = []
        for c in 0..<customerCount {
            values.removeAll(keepingCapacity: true)
            forEachRow(c, bits) { row in
                values.append(
                    argument.kind == .doubles ? argument.doubles[row] : Double(argument.integers[row]) / divisor)
            }
            if values.isEmpty {
                result.appendNull()
                continue
            }
            // NaN behind all numbers.
            values.sort { $1.isNaN ? !$0.isNaN : $0 < $1 }
            let rank = fraction * Double(values.count - 1)
            let low = Int(rank.rounded(.down)), high = Int(rank.rounded(.up))
            let (a, b) = (values[low], values[high])
            result.append(low == high ? a : a + (b - a) * (rank - Double(low)))
        }
    }

    /// In how many of the periods each customer has a row; her rows lie in the order of time.
    func countPeriods(_ bits: Bits?, _ argument: ColumnVector?, into result: ColumnVector) {
        guard let argument else { return }
        let times = UnsafePointer(argument.integers)
        let starts = plan.periods
        for c in 0..<customerCount {
            var count: Int64 = 0
            // The period that was counted last ends before this one.
            var next = 0
            forEachRow(c, bits) { row in
                while next < starts.count, starts[next] <= times[row] {
                    next += 1
                    if next < starts.count, times[row] < starts[next] { count += 1 }
                }
            }
            result.append(count)
        }
    }
}

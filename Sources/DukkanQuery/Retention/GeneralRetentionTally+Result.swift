import DukkanFormat

extension GeneralRetentionTally {
    /// What the answer's columns are called, where that depends on the query.
    struct Titles {
        /// Of each measure.
        var measures: [String]
        /// Type of the split's value; nil: no split.
        var split: ColumnType?
        /// Only so many values of the split stand alone.
        var top: Int?
    }

    /// The places of one value of the split, or of all that are not shown alone.
    private struct Group {
        var value: Value
        var isOther = false
        var size = Int64(0)
        /// Places by cohort; several for the others.
        var cohorts = [Int: [Int]]()
    }

    /// What the cells of a cohort come to.
    fileprivate struct Row {
        var size = Int64(0)
        var customers: [Int64]
        /// By measure of ``valueMeasures``, then by cell.
        var counts: [[Int64]]
        var sums: [[Int128]]
        var doubles: [[CompensatedSum]]
    }

    /// The answer in long form: `[split,] cohort, period, size, [measure,] value, complete`.
    ///
    /// Values of the split by customers, most first, then ascending, null last; `other` after all. Cohorts with any
    /// customer, ascending, and for each the cells that begin by `as of`, zeros too.
    ///
    /// - Parameter value: the split's value of a number.
    func result(_ titles: Titles, value: (UInt32) -> Value) -> QueryResult {
        let totals = doubleSums?.totals() ?? .init()
        var rows: [[Value]] = []
        for group in groups(titles, value) {
            for (cohort, places) in Array(group.cohorts).inOrder(by: { $0.key < $1.key }) {
                append(cohort, row(places, totals), group, titles, &rows)
            }
        }
        var columns = [
            QueryResult.Column("cohort", plan.axis.rule.period == .hour ? .timestamp : .date),
            .init("period", .int), .init("size", .int),
        ]
        if let type = titles.split { columns.insert(.init("split", type), at: 0) }
        if plan.measures.count > 1 { columns.append(.init("measure", .string)) }
        columns += [.init("value", valueType), .init("complete", .bool)]
        return QueryResult(columns: columns, rows: rows, shape: .retention)
    }

    /// The widest of the measures' types; each value keeps its own, so that sums stay exact beside averages.
    private var valueType: ColumnType {
        plan.measures.map { $0.type(isPerCustomer: plan.isPerCustomer) }.reduce(.int) { widest, type in
            switch (widest, type) {
            case (.double, _), (_, .double): .double
            case (.decimal(let a), .decimal(let b)): .decimal(scale: max(a, b))
            case (.decimal, _): widest
            default: type
            }
        }
    }

    private func groups(_ titles: Titles, _ value: (UInt32) -> Value) -> [Group] {
        var bySplit = [UInt64: Group]()
        for (key, place) in places {
            let split = key >> 32
            let isNull = split == 0
            var group = bySplit[split] ?? Group(value: isNull ? .null : value(UInt32(split - 1)))
            group.size += sizes.base[place]
            group.cohorts[Int(key & 0xFFFF_FFFF)] = [place]
            bySplit[split] = group
        }
        var groups = Array(bySplit.values).inOrder { a, b in
            a.size != b.size ? a.size > b.size : ValueOrdering.precedes(a.value, b.value)
        }
        guard let top = titles.top, groups.count > top else { return groups }
        var other = Group(value: .string("other"), isOther: true)
        for group in groups[top...] {
            other.size += group.size
            other.cohorts.merge(group.cohorts) { $0 + $1 }
        }
        groups.removeSubrange(top...)
        return groups + [other]
    }

    private func row(_ places: [Int], _ totals: [Int: Double]) -> Row {
        let stride = plan.stride, measureCount = valueMeasures.count
        var row = Row(
            customers: Array(repeating: 0, count: stride),
            counts: Array(repeating: Array(repeating: 0, count: stride), count: measureCount),
            sums: Array(repeating: Array(repeating: 0, count: stride), count: measureCount),
            doubles: Array(repeating: Array(repeating: CompensatedSum(), count: stride), count: measureCount))
        for place in places {
            row.size += sizes.base[place]
            for cell in 0..<stride { row.customers[cell] += customers.base[place * stride + cell] }
            for v in 0..<measureCount {
                let isExact = plan.measures[valueMeasures[v]].isExact
                let first = (place * measureCount + v) * stride
                for cell in 0..<stride {
                    row.counts[v][cell] += counts.base[first + cell]
                    if isExact { row.sums[v][cell] += sums.base[first + cell] }
                    if let total = totals[first + cell] { row.doubles[v][cell].add(total) }
                }
            }
        }
        if plan.isOnOrAfter {
            for cell in Swift.stride(from: stride - 2, through: 0, by: -1) { row.add(cell + 1, to: cell) }
        } else if plan.isRunning {
            // Cell 0 of the customers is of those who never came back.
            row.customers[0] = 0
            for cell in 1..<stride { row.add(cell - 1, to: cell) }
        }
        return row
    }

    private func append(
        _ cohort: Int, _ row: Row, _ group: Group, _ titles: Titles, _ rows: inout [[Value]]
    ) {
        let label = plan.axis.label(cohort)
        for cell in 0..<plan.cellCount where plan.exists(cell, cohort: cohort) {
            let isComplete = plan.isComplete(cell, cohort: cohort)
            for measure in plan.measures.indices {
                var line: [Value] = titles.split == nil ? [] : [group.value]
                line += [label, .int(Int128(cell)), .int(Int128(row.size))]
                if plan.measures.count > 1 { line.append(.string(titles.measures[measure])) }
                line.append(plan.maturedOnly && !isComplete ? .null : value(measure, cell, row))
                rows.append(line + [.bool(isComplete)])
            }
        }
    }

    private func value(_ measure: Int, _ cell: Int, _ row: Row) -> Value {
        guard case .values(let type, let isAverage) = plan.measures[measure],
            let v = valueMeasures.firstIndex(of: measure)
        else { return .int(Int128(cell == 0 ? row.size : row.customers[cell])) }
        let count = row.counts[v][cell]
        if isAverage && count == 0 { return .null }
        let sum = row.sums[v][cell]
        if isAverage || plan.isPerCustomer {
            let total: Double
            switch type {
            case .double: total = row.doubles[v][cell].value
            case .decimal(let scale): total = DecimalValue.double(sum, scale: scale)
            default: total = Double(sum)
            }
            return .double(total / Double(isAverage ? count : row.size))
        }
        switch type {
        case .double: return .double(row.doubles[v][cell].value)
        case .decimal(let scale): return .decimal(DecimalValue(unscaled: sum, scale: scale))
        default: return .int(sum)
        }
    }
}

extension GeneralRetentionTally.Row {
    /// Adds what one cell holds to another.
    fileprivate mutating func add(_ from: Int, to cell: Int) {
        customers[cell] += customers[from]
        for v in counts.indices {
            counts[v][cell] += counts[v][from]
            sums[v][cell] += sums[v][from]
            doubles[v][cell].add(doubles[v][from])
        }
    }
}

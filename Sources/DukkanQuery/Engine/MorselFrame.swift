import DukkanFormat
import DukkanStorage

/// A loaded morsel as expressions see it: the rows of each table with what is looked up and which segments hold,
/// computed when first asked for.
///
/// Each worker thread has its own.
final class MorselFrame {
    let worker: MorselWorker
    let evaluator: VectorEvaluator
    /// Nil where nothing is measured.
    let meter: WorkMeter?
    private let plan: ScanPlan
    private var tableRows: [ExpressionRows?]
    private var customerRows: ExpressionRows?
    private var segmentMembers: [Bits?]
    private var attributes: [ColumnVector?]
    /// For each segment and measure, the evaluation of a funnel, made when first asked for and kept.
    private var chains: [[ChainWorker?]]

    init(_ worker: MorselWorker, _ plan: ScanPlan) {
        self.worker = worker
        self.plan = plan
        meter = worker.reader.meter
        evaluator = VectorEvaluator(plan.clock)
        tableRows = plan.tables.map { _ in nil }
        segmentMembers = plan.segments.map { _ in nil }
        attributes = plan.lookups.map { _ in nil }
        chains = plan.segments.map { $0.measures.map { _ in nil } }
    }

    /// Forgets what was computed for the last morsel.
    func begin() {
        evaluator.reset()
        for t in tableRows.indices { tableRows[t] = nil }
        for s in segmentMembers.indices { segmentMembers[s] = nil }
        for a in attributes.indices { attributes[a] = nil }
        customerRows = nil
    }

    func starts(_ table: Int) -> UnsafePointer<UInt32>? {
        worker.tables[table].rowStarts.map { UnsafePointer($0) }
    }

    // MARK: Rows of a table

    func rows(_ table: Int) throws -> ExpressionRows {
        if let known = tableRows[table] { return known }
        let rows = ExpressionRows()
        rows.count = worker.tables[table].rowCount
        rows.columns = worker.tables[table].columns
        tableRows[table] = rows
        let stage = meter?.enter(.lookup)
        if plan.customerTables.contains(table) { rows.customer = customerColumn(table) }
        rows.lookups = try plan.lookups.indices.map { i in
            guard plan.lookupUsers[i].contains(table) else { return evaluator.scratch(.integers) }
            let lookup = plan.lookups[i]
            if let key = lookup.key {
                return key.ownTable == table ? try property(lookup, key) : evaluator.scratch(.integers)
            }
            return expand(try attribute(i), table)
        }
        rows.starts = starts(table)
        rows.segmentMembers = plan.segments.map { _ in nil }
        rows.makeSegmentRows = { [unowned self, unowned rows] place in
            rows.segmentMembers[place].map { expand(values($0), table) }
        }
        // A segment may look at rows of this table itself; those that it needs come before it.
        for i in plan.segments.indices where plan.segmentUsers[i].contains(table) {
            rows.segmentMembers[i] = try members(i)
        }
        if let stage { meter?.enter(stage) }
        return rows
    }

    /// A customer's value in each of her rows; null in rows without customer.
    private func expand(_ source: ColumnVector, _ table: Int) -> ColumnVector {
        let result = evaluator.scratch(source.kind)
        result.dictionary = source.dictionary
        let count = worker.tables[table].rowCount
        guard let starts = starts(table) else {
            result.fillNulls(count)
            return result
        }
        result.reserve(count)
        result.count = count
        switch source.kind {
        case .integers:
            let input = source.integers, output = result.integers
            for c in 0..<worker.customerCount {
                for row in Int(starts[c])..<Int(starts[c + 1]) { output[row] = input[c] }
            }
        case .doubles:
            let input = source.doubles, output = result.doubles
            for c in 0..<worker.customerCount {
                for row in Int(starts[c])..<Int(starts[c + 1]) { output[row] = input[c] }
            }
        case .codes:
            let input = source.codes, output = result.codes
            for c in 0..<worker.customerCount {
                for row in Int(starts[c])..<Int(starts[c + 1]) { output[row] = input[c] }
            }
        }
        if source.hasNulls {
            result.beginNulls()
            for c in 0..<worker.customerCount where !source.isValid(c) {
                for row in Int(starts[c])..<Int(starts[c + 1]) { result.validity[row >> 6] &= ~(1 << UInt64(row & 63)) }
            }
        }
        return result
    }

    private func customerColumn(_ table: Int) -> ColumnVector {
        expand(customerKeys(), table)
    }

    // MARK: Rows of customers

    private func customerKeys() -> ColumnVector {
        let keys = worker.keys
        let count = worker.customerCount
        precondition(keys.count >= count, "the scan was told that nobody asks for the customers' keys")
        let result = evaluator.scratch(keys.isString ? .codes : .integers)
        result.reserve(count)
        result.count = count
        if keys.isString {
            result.dictionary = keys.dictionary()
            for c in 0..<count { result.codes[c] = UInt32(c) }
        } else {
            result.integers.update(from: keys.integers, count: count)
        }
        return result
    }

    /// The customers of the morsel, for segments and for what is asked of customers.
    func customers() throws -> ExpressionRows {
        if let known = customerRows { return known }
        let rows = ExpressionRows()
        rows.count = worker.customerCount
        rows.customer = customerKeys()
        customerRows = rows
        rows.lookups = try plan.lookups.indices.map {
            plan.lookups[$0].key == nil ? try attribute($0) : evaluator.scratch(.integers)
        }
        return rows
    }

    /// The value of each customer's latest row that exists as of the query's time.
    private func attribute(_ place: Int) throws -> ColumnVector {
        if let known = attributes[place] { return known }
        let lookup = plan.lookups[place]
        let source = worker.tables[lookup.source]
        // A morsel of rows without customer may come before the other tables were ever read.
        if worker.customerCount == 0 { return noValues(lookup, 0) }
        let column = source.columns[lookup.slot]
        let times = source.columns[lookup.timeSlot].integers
        let result = evaluator.scratch(column.kind)
        result.dictionary = column.dictionary
        result.reserve(worker.customerCount)
        for c in 0..<worker.customerCount {
            guard let starts = source.rowStarts else { break }
            var row = Int(starts[c + 1]) - 1
            while row >= Int(starts[c]), times[row] > lookup.asOf { row -= 1 }
            if row < Int(starts[c]) || !column.isValid(row) {
                result.appendNull()
                continue
            }
            switch column.kind {
            case .integers: result.append(column.integers[row])
            case .doubles: result.append(column.doubles[row])
            case .codes: result.append(code: column.codes[row])
            }
        }
        attributes[place] = result
        return result
    }

    /// The value of the same customer's row that has the row's key, the latest one where there are several.
    private func property(_ lookup: LookupPlan, _ key: LookupPlan.Key) throws -> ColumnVector {
        let own = worker.tables[key.ownTable], source = worker.tables[lookup.source]
        if worker.customerCount == 0 { return noValues(lookup, own.rowCount) }
        let column = source.columns[lookup.slot]
        let times = source.columns[lookup.timeSlot].integers
        let result = evaluator.scratch(column.kind)
        result.fillNulls(own.rowCount)
        result.dictionary = column.dictionary
        guard let ownStarts = own.rowStarts, let sourceStarts = source.rowStarts else { return result }
        let matcher = KeyMatcher(own.columns[key.ownSlot], source.columns[key.sourceSlot])
        for c in 0..<worker.customerCount {
            let candidates = Int(sourceStarts[c])..<Int(sourceStarts[c + 1])
            if candidates.isEmpty { continue }
            var last = candidates.upperBound - 1
            for row in Int(ownStarts[c])..<Int(ownStarts[c + 1]) {
                // Rows of one session follow each other, so the last match is the best guess.
                if !(matcher.equal(row, last) && times[last] <= lookup.asOf) {
                    guard
                        let found = candidates.last(where: { matcher.equal(row, $0) && times[$0] <= lookup.asOf })
                    else { continue }
                    last = found
                }
                guard column.isValid(last) else { continue }
                result.validity[row >> 6] |= 1 << UInt64(row & 63)
                switch column.kind {
                case .integers: result.integers[row] = column.integers[last]
                case .doubles: result.doubles[row] = column.doubles[last]
                case .codes: result.codes[row] = column.codes[last]
                }
            }
        }
        return result
    }

    /// Nulls of a lookup's type.
    private func noValues(_ lookup: LookupPlan, _ count: Int) -> ColumnVector {
        let result = evaluator.scratch(lookup.type.physical)
        result.fillNulls(count)
        if result.kind == .codes { result.dictionary = .empty }
        return result
    }

    // MARK: Segments

    /// A bit for each customer, set where she is in segment `place`; good for this morsel.
    func members(_ place: Int) throws -> Bits {
        if let known = segmentMembers[place] { return known }
        let stage = meter?.enter(.segment)
        let segment = plan.segments[place]
        let rows = ExpressionRows()
        let base = try customers()
        rows.count = base.count
        rows.customer = base.customer
        rows.lookups = base.lookups
        rows.segmentMembers = try plan.segments.indices.map {
            $0 != place && plan.segmentDependencies[place].contains($0) ? try members($0) : nil
        }
        rows.makeSegmentRows = { [unowned self, unowned rows] in rows.segmentMembers[$0].map { values($0) } }
        // Rows of a table ask for all segments that are used on them, which may be this one.
        for table in segment.measures.flatMap(\.tables) where starts(table) != nil && base.count > 0 {
            _ = try self.rows(table)
        }
        if let known = segmentMembers[place] {
            if let stage { meter?.enter(stage) }
            return known
        }
        rows.aggregates = try segment.measures.indices.map { try measure(place, $0, customerCount: base.count) }
        let bits = evaluator.scratchBits()
        try evaluator.select(segment.predicate, rows, into: bits)
        segmentMembers[place] = bits
        if let stage {
            meter?.count(.segment, in: base.count, out: bits.setCount)
            meter?.enter(stage)
        }
        return bits
    }

    /// 1 for each bit that is set, 0 for the others.
    private func values(_ bits: Bits) -> ColumnVector {
        let result = evaluator.scratch(.integers)
        result.reserve(bits.count)
        result.count = bits.count
        let output = result.integers, words = bits.words
        for c in 0..<bits.count { output[c] = Int64(words[c &>> 6] &>> UInt64(truncatingIfNeeded: c & 63) & 1) }
        return result
    }

    /// One value a customer.
    private func measure(_ segment: Int, _ place: Int, customerCount: Int) throws -> ColumnVector {
        switch plan.segments[segment].measures[place] {
        case .aggregate(let aggregate):
            guard let starts = starts(aggregate.table) else { return evaluator.scratch(aggregate.type.physical) }
            let aggregation = CustomerAggregation(
                plan: aggregate, starts: starts, customerCount: customerCount, evaluator: evaluator)
            return try aggregation.values(
                try rows(aggregate.table), predicate: plan.segmentFilters[segment][place])
        case .membership(let membership):
            let result = evaluator.scratch(.integers)
            result.reserve(customerCount)
            result.count = customerCount
            result.integers.update(repeating: 0, count: customerCount)
            if customerCount == 0 { return result }
            let chain = chains[segment][place] ?? ChainWorker(membership.program, ValueNumbering())
            chains[segment][place] = chain
            try chain.load(self)
            let question = membership.question
            try chain.membership(question.standing, step: question.step, into: result.integers)
            return result
        }
    }
}

/// Compares keys of rows of two tables.
private struct KeyMatcher {
    private let own: ColumnVector
    private let source: ColumnVector
    private let ownDictionary: StringDictionary
    private let sourceDictionary: StringDictionary

    init(_ own: ColumnVector, _ source: ColumnVector) {
        self.own = own
        self.source = source
        ownDictionary = own.dictionary ?? .empty
        sourceDictionary = source.dictionary ?? .empty
    }

    func equal(_ a: Int, _ b: Int) -> Bool {
        guard own.isValid(a), source.isValid(b) else { return false }
        if own.kind == .integers { return own.integers[a] == source.integers[b] }
        return ownDictionary.withBytes(Int(own.codes[a])) { left in
            sourceDictionary.withBytes(Int(source.codes[b])) { StringDictionary.compare(left, $0) == 0 }
        }
    }
}

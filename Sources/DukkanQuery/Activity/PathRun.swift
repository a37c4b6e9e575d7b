import DukkanFormat
import DukkanStorage

/// Binds, plans and runs `PATHS`.
final class PathRun {
    private let query: PathQuery
    private let scan: ActivityScan
    private let item: BoundExpression
    /// Whether an item is the one that paths begin with, or end at.
    private let from: BoundExpression?
    private let towards: BoundExpression?
    private let session: BoundExpression?

    init(_ query: PathQuery, _ base: QueryContext) throws {
        guard (2...PathQuery.depthMax).contains(query.depth) else {
            throw DukkanError(
                .invalidQuery, "DEPTH is for 2 to \(PathQuery.depthMax) items of a path, not \(query.depth)")
        }
        if case .gap(let gap) = query.sessions, gap < 0 {
            throw DukkanError(.invalidQuery, "SPLIT AT needs a span that is not negative")
        }
        self.query = query
        let scan = try ActivityScan(query.step, named: "PATHS", query.options, base)
        self.scan = scan
        let binder = Binder(scan.context, RowScope(scan.builder, table: scan.table))
        item = try binder.bind(query.item)
        func mark(_ value: Expression?, _ clause: String) throws -> BoundExpression? {
            guard let value else { return nil }
            // Only a constant is the same for all rows of a path.
            _ = try Binder(scan.context, ConstantScope()).bind(value)
            return try binder.bindCondition(.binary(.equal, query.item, value), in: clause)
        }
        from = try mark(query.from, "FROM")
        towards = try mark(query.towards, "TOWARDS")
        switch query.sessions {
        case .gap:
            session = nil
        case .column(let expression?):
            session = try binder.bind(expression)
        case .column(nil):
            let schema = scan.builder.tables[scan.table].snapshot.schema
            guard schema.column(named: "session_id") != nil else {
                throw DukkanError(
                    .invalidQuery, "paths are cut by session_id, which \(schema.name) has not",
                    advice: "Write BY SESSION with a column, or SPLIT AT 30 MINUTES.")
            }
            session = try binder.bind(.column(ColumnName("session_id")))
        }
    }

    /// One worker's walker and the memory for a morsel.
    private final class State {
        var walker: PathWalker
        let cache: ValueNumbering.Cache
        let items = RowBuffer<UInt32>()
        let sessions = RowBuffer<Int64>()

        init(_ rules: PathWalker.Rules, _ numbering: ValueNumbering) {
            walker = PathWalker(rules)
            cache = ValueNumbering.Cache(numbering)
        }

        deinit { walker.deallocate() }
    }

    /// What a worker does with a morsel.
    private struct Work: Sendable {
        let table: Int
        let timeSlot: Int
        let predicate: Predicate
        let item: BoundExpression
        /// With the mark of their items.
        let marks: [(mark: UInt32, predicate: Predicate)]
        let session: BoundExpression?
    }

    func run() throws -> QueryResult {
        let plan = try scan.plan([item] + [from, towards, session].compactMap { $0 })
        let context = scan.context
        if let plan = context.planned({ PlanDescription(plan, scan.builder, context).paths(query) }) { return plan }
        var gap: Int64?
        if case .gap(let limit) = query.sessions { gap = limit }
        let rules = PathWalker.Rules(
            depth: query.depth, hasFrom: from != nil, hasTowards: towards != nil, gap: gap)
        let numbering = ValueNumbering()
        let work = Work(
            table: scan.table, timeSlot: scan.timeSlot, predicate: scan.condition.map { Predicate($0) } ?? .all,
            item: item,
            marks: (from.map { [(mark: PathWalker.fromMark, predicate: Predicate($0))] } ?? [])
                + (towards.map { [(mark: PathWalker.towardsMark, predicate: Predicate($0))] } ?? []),
            session: session)
        let states = try plan.run(context, makeState: { UncheckedState(value: State(rules, numbering)) }) {
            frame, _, state in
            guard frame.worker.customerCount > 0 else { return }
            try PathRun.load(frame, state.value, work)
        }
        let total = states.first?.value ?? State(rules, numbering)
        for other in states.dropFirst() { try total.walker.merge(other.value.walker) }
        context.trace?.enter(.output)
        let columns: [QueryResult.Column] = [
            .init("step", .int), .init("from", item.type.column), .init("to", item.type.column), .init("count", .int),
            .init("mean_s", .double),
        ]
        return scan.answer(.paths, columns, PathRun.rows(total.walker.edges.edges, numbering), plan)
    }

    private static func load(_ frame: MorselFrame, _ state: State, _ work: Work) throws {
        frame.meter?.enter(.steps)
        defer { frame.meter?.enter(.other) }
        let rows = try frame.rows(work.table)
        guard let starts = frame.starts(work.table) else { return }
        let bits = try frame.select(work.predicate, table: work.table)
        let items = try frame.evaluator.vector(work.item, rows)
        // A row without an item, or without a session, is on no path.
        if items.hasNulls { bits.formIntersection(items.validity) }
        // The kernels read whole vectors.
        state.items.reserve(rows.count + 64)
        try state.cache.fill(items, work.item.type, into: state.items.pointer)
        for (mark, predicate) in work.marks {
            let marked = try frame.select(predicate, table: work.table)
            let numbers = state.items.pointer
            for w in 0..<marked.wordCount {
                var word = marked.words[w]
                while word != 0 {
                    numbers[w &* 64 &+ word.trailingZeroBitCount] |= mark
                    word &= word &- 1
                }
            }
        }
        var sessions: UnsafePointer<Int64>?
        if let session = work.session {
            let values = try frame.evaluator.vector(session, rows)
            if values.hasNulls { bits.formIntersection(values.validity) }
            state.sessions.reserve(rows.count + 64)
            PathRun.fill(values, into: state.sessions.pointer)
            sessions = UnsafePointer(state.sessions.pointer)
        }
        state.walker.load(
            PathWalker.Morsel(
                customerCount: frame.worker.customerCount, starts: starts,
                times: UnsafePointer(rows.columns[work.timeSlot].integers), items: UnsafePointer(state.items.pointer),
                sessions: sessions), bits)
        frame.countSelected(state.walker.rows.count, of: rows.count)
        frame.meter?.enter(.sequence)
        try state.walker.walk(customerCount: frame.worker.customerCount)
    }

    /// A number for each row's session: the same for equal values of one morsel, which holds all rows of a customer.
    private static func fill(_ values: ColumnVector, into sessions: UnsafeMutablePointer<Int64>) {
        switch values.kind {
        case .integers:
            sessions.update(from: values.integers, count: values.count)
        case .codes:
            for row in 0..<values.count { sessions[row] = Int64(values.codes[row]) }
        case .doubles:
            // Both zeros are equal.
            for row in 0..<values.count { sessions[row] = Int64(bitPattern: (values.doubles[row] + 0).bitPattern) }
        }
    }

    private static func rows(_ edges: [PathEdges.Edge], _ numbering: ValueNumbering) -> [[Value]] {
        let named = edges.map { (edge: $0, from: numbering.value($0.from), to: numbering.value($0.to)) }
        let sorted = named.inOrder { a, b in
            if a.edge.step != b.edge.step { return a.edge.step < b.edge.step }
            if a.edge.count != b.edge.count { return a.edge.count > b.edge.count }
            if a.edge.from != b.edge.from { return ValueOrdering.precedes(a.from, b.from) }
            return ValueOrdering.precedes(a.to, b.to)
        }
        return sorted.map { edge, from, to in
            let mean = Double(edge.time) / Double(edge.count) / 1e6
            return [.int(Int128(edge.step)), from, to, .int(Int128(edge.count)), .double(mean)]
        }
    }
}

import DukkanFormat
import DukkanStorage
import DukkanTime

/// Collects what a query wants to read: tables, their columns, lookups between them and segments of customers.
final class ScanBuilder {
    struct Table {
        var snapshot: TableSnapshot
        /// Places in the schema of the columns to read.
        var columns: [Int] = []
        /// One condition for each use of the table; a block that none of them can hold for is left out.
        var uses: [BoundExpression?] = []
    }

    let context: QueryContext
    private(set) var tables: [Table] = []
    private(set) var lookups: [LookupPlan] = []
    private(set) var segments: [SegmentPlan] = []
    /// The segments' conditions as they were asked.
    private(set) var segmentConditions: [Expression] = []
    /// Whether columns wait until they are asked for.
    var defersColumns = false
    /// Whether the answer does not depend on the order of a customer's rows.
    var ignoresTimeOrder = false
    /// Whether a customer's rows may come in pieces.
    var takesPieces = false
    /// Whether it does not matter who the customers are.
    var ignoresKeys = false
    private var segmentsBeingBound = 0
    private var boundSegments = [SegmentQuestion: Int]()

    /// A condition on customers, and the end of knowledge that it is asked at.
    private struct SegmentQuestion: Hashable {
        var condition: Expression
        var asOf: Int64
    }

    init(_ context: QueryContext) {
        self.context = context
    }

    /// The place of a table in the scan, which it joins if it is not there yet.
    func table(_ name: String) throws -> Int {
        let snapshot = try context.table(name)
        if let known = tables.firstIndex(where: { $0.snapshot === snapshot }) { return known }
        tables.append(Table(snapshot: snapshot))
        return tables.count - 1
    }

    /// The place of a column among those that the scan reads of a table.
    func slot(table: Int, column: Int) -> Int {
        if let known = tables[table].columns.firstIndex(of: column) { return known }
        tables[table].columns.append(column)
        return tables[table].columns.count - 1
    }

    func timeSlot(table: Int) -> Int {
        slot(table: table, column: tables[table].snapshot.schema.timeColumn)
    }

    /// Tells that rows of a table matter where a condition holds; nil: all rows.
    func use(table: Int, where condition: BoundExpression?) {
        tables[table].uses.append(condition)
    }

    func lookup(_ plan: LookupPlan) -> Int {
        if let known = lookups.firstIndex(of: plan) { return known }
        lookups.append(plan)
        return lookups.count - 1
    }

    /// The place of a segment of customers, bound once however often it is asked for.
    ///
    /// - Parameter asOf: the segment's own end of knowledge; nil: the query's.
    func segment(_ condition: Expression, asOf: Int64? = nil) throws -> Int {
        let question = SegmentQuestion(condition: condition, asOf: asOf ?? context.asOf)
        if let known = boundSegments[question] { return known }
        segmentsBeingBound += 1
        defer { segmentsBeingBound -= 1 }
        if segmentsBeingBound > SegmentPlan.depthMax {
            throw DukkanError(
                .limit, "segments refer to each other deeper than \(SegmentPlan.depthMax) levels",
                advice: "Does a segment refer to itself?")
        }
        let plan = try SegmentPlan(condition, self, asOf: question.asOf)
        segments.append(plan)
        let time = Expression.literal(.timestamp(Timestamp(microseconds: question.asOf)))
        segmentConditions.append(
            question.asOf == context.asOf ? condition : .segmentAt(.segment(condition), time: time))
        boundSegments[question] = segments.count - 1
        return segments.count - 1
    }

    /// Whether a customer's rows must be seen together.
    var needsCustomers: Bool { tables.count > 1 || !lookups.isEmpty || !segments.isEmpty }

    /// The scan's requests, with row blocks pruned that the uses of a table rule out.
    func requests() -> [TableRequest] {
        tables.map { table in
            var request = TableRequest(table: table.snapshot, columns: table.columns, isPruned: pruning(table))
            request.defersColumns = defersColumns
            request.ignoresTimeOrder = ignoresTimeOrder
            request.takesPieces = takesPieces
            request.ignoresKeys = ignoresKeys
            return request
        }
    }

    private func pruning(_ table: Table) -> (@Sendable (Int, Int) -> Bool)? {
        guard !table.uses.isEmpty, !table.uses.contains(nil) else { return nil }
        let tests = table.uses.compactMap { $0 }.compactMap {
            BlockTest($0, table: table.snapshot, columns: table.columns)
        }
        guard tests.count == table.uses.count else { return nil }
        return { part, block in tests.allSatisfy { $0.rulesOut(part: part, block: block) } }
    }
}

extension ScanBuilder {
    /// The place of a table from which values are looked up; `session` stands for `sessions`, `customer` for `customers`.
    func lookupTable(_ qualifier: String) throws -> Int {
        let singular = ["customer": "customers", "session": "sessions", "order": "orders"]
        var name = qualifier
        if context.snapshot.table(named: name) == nil, let plural = singular[name.lowercased()] { name = plural }
        let place = try table(name)
        use(table: place, where: nil)
        return place
    }

    /// A condition together with "not after `as of`", where the table has later rows.
    ///
    /// - Parameter asOf: a segment's own end of knowledge; nil: the query's.
    func existing(table: Int, _ condition: BoundExpression?, asOf: Int64? = nil) -> BoundExpression? {
        let asOf = asOf ?? context.asOf
        let snapshot = tables[table].snapshot
        let column = snapshot.schema.columns[snapshot.schema.timeColumn].name
        let hasLater = snapshot.parts.contains { part in
            guard let place = part.column(forSchemaColumn: column) else { return false }
            return part.footer.columns[place].statistics.maximum > asOf
        }
        guard hasLater else { return condition }
        let time = BoundExpression(.column(timeSlot(table: table)), .timestamp)
        let limit = BoundExpression(.constant(.int(Int128(asOf))), .timestamp)
        let isKnown = BoundExpression(.binary(.lessOrEqual, time, limit), .bool)
        return condition.map { BoundExpression(.binary(.and, $0, isKnown), .bool) } ?? isKnown
    }
}

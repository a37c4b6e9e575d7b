import DukkanFormat
import DukkanStorage

/// A plan's operators, described from the query and its scan.
final class PlanDescription {
    let plan: ScanPlan
    let builder: ScanBuilder
    let context: QueryContext

    init(_ plan: ScanPlan, _ builder: ScanBuilder, _ context: QueryContext) {
        self.plan = plan
        self.builder = builder
        self.context = context
    }

    func title(_ expression: Expression?) -> String? { expression.map { context.title($0) } }

    // MARK: Where rows come from

    /// Everything below the operators of a query: lookups, segments, the scan and its tables.
    func source() -> [PlanNode] {
        var nodes: [PlanNode] = []
        let lookups = lookups()
        if let lookups { nodes.append(lookups) }
        if !plan.segments.isEmpty {
            var node = PlanNode(name: "Segment", stages: [.segment], rows: .segment)
            node.add("condition", texts: builder.segmentConditions.map { context.segmentTitle($0) })
            nodes.append(node)
        }
        var scan = PlanNode(name: "Scan", stages: [.assemble, .other], source: .scan)
        // Finding out that nothing is looked up.
        if lookups == nil { scan.stages.append(.lookup) }
        switch plan.order {
        case .byCustomer: scan.subject = "by customer"
        case .byCustomerWithAnonymous: scan.subject = "by customer, then rows without customer"
        case .byBlock: scan.subject = "by block"
        }
        if let only = plan.customers.lower, plan.customers.includesUpper {
            scan.add("customer", ExplanationText.key(only))
        }
        scan.add("morsels", count: plan.scan.morselCount)
        scan.inputs = plan.tables.indices.map { table($0) }
        return nodes + [scan]
    }

    private func lookups() -> PlanNode? {
        var node = PlanNode(name: "Lookup", stages: [.lookup])
        node.add(
            "values",
            texts: plan.lookups.map { lookup in
                let source = column(lookup.source, lookup.slot)
                let name = plan.tables[lookup.source].schema.name
                guard let key = lookup.key else { return "\(name).\(source), each customer's latest" }
                return "\(name).\(source) by \(column(key.ownTable, key.ownSlot))"
            })
        node.add("customer of each row", texts: plan.customerTables.ascending().map { plan.tables[$0].schema.name })
        return node.facts.isEmpty ? nil : node
    }

    private func column(_ table: Int, _ slot: Int) -> String {
        let place = plan.scan.requests[table].columns[slot]
        return plan.tables[table].schema.columns[place].name
    }

    func table(_ place: Int) -> PlanNode {
        let table = plan.tables[place]
        let footprint = TableFootprint(plan, table: place)
        var node = PlanNode(
            name: "Table", subject: table.schema.name, source: .table(place, table, footprint.columns))
        node.add("rows", count: table.rowCount)
        node.add("parts", count: table.parts.count)
        let merged = table.parts.count { $0.deletes != nil }
        if merged > 0 { node.add("parts with deleted rows", count: merged) }
        node.add("row blocks", count: footprint.rowBlockCount)
        if footprint.outsideCount > 0 { node.add("outside the customers", count: footprint.outsideCount) }
        if footprint.anonymousCount > 0 { node.add("without customer, skipped", count: footprint.anonymousCount) }
        node.add("pruned by statistics", count: footprint.prunedCount)
        node.add("statistics of", texts: prunedBy(place))
        return node
    }

    /// Columns whose statistics prune; empty where nothing can be pruned.
    private func prunedBy(_ place: Int) -> [String] {
        let table = builder.tables[place]
        guard !table.uses.isEmpty, !table.uses.contains(nil) else { return [] }
        let tests = table.uses.map { use in
            use.flatMap { BlockTest($0, table: table.snapshot, columns: table.columns) }
        }
        guard !tests.contains(where: { $0 == nil }) else { return [] }
        var names: [String] = []
        for name in tests.compactMap({ $0 }).flatMap(\.columns) where !names.contains(name) { names.append(name) }
        return names
    }

    // MARK: Conditions

    /// Names of the columns and of what else a bound condition over rows of a table looks at.
    func columns(of condition: BoundExpression, table: Int) -> [String] {
        var names: [String] = []
        func add(_ name: String) {
            if !names.contains(name) { names.append(name) }
        }
        func walk(_ expression: BoundExpression) {
            switch expression.node {
            case .column(let slot): add(column(table, slot))
            case .customer: add("customer")
            case .lookup(let place): add("\(plan.tables[plan.lookups[place].source].schema.name).…")
            case .segment: add("segment")
            default: break
            }
            for child in expression.children { walk(child) }
        }
        walk(condition)
        return names
    }

    /// The operator that chooses rows; nil where all are taken.
    func filter(_ bound: BoundExpression?, _ text: Expression?) -> PlanNode? {
        guard let bound else { return nil }
        var node = PlanNode(name: "Filter", stages: [.filter], rows: .filter)
        node.add("condition", title(text))
        if text == nil { node.add("condition", "time as of") }
        node.add("columns", texts: columns(of: bound, table: 0))
        if Predicate(bound).isRowByRow { node.add("evaluated", "row by row, for want of a kernel") }
        return node
    }

    /// The root.
    func answer(_ options: QueryOptions) -> PlanNode {
        var node = PlanNode(name: "Answer", stages: [.merge, .output], source: .answer)
        node.add("as of", title(options.asOf))
        node.add("time zone", options.timeZone)
        node.add("segment", title(options.segment))
        return node
    }
}

extension Predicate {
    /// Whether a part of it has no kernel.
    var isRowByRow: Bool {
        switch self {
        case .rows: true
        case .and(let parts), .or(let parts): parts.contains { $0.isRowByRow }
        default: false
        }
    }
}

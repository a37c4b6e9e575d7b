import DukkanFormat
import DukkanStorage

extension PlanDescription {
    /// `FUNNEL`.
    func funnel(_ query: FunnelQuery) -> PlanNode {
        let count = query.steps.count
        var node = PlanNode(name: "Funnel", subject: count == 1 ? "1 step" : "\(count) steps")
        node.stages = [.sequence]
        node.rows = .sequence
        node.add("within", query.window.map { ExplanationText.span($0) })
        node.add("within session of", title(query.session))
        describeOrder(query, &node)
        if let breakdown = query.breakdown {
            node.add("by", context.title(breakdown.expression))
            node.add("attributed", PlanDescription.text(breakdown.attribution))
            if let top = breakdown.top { node.add("top", count: top) }
        }
        if let measure = query.measure {
            let function = measure.function == .sum ? "sum" : "avg"
            node.add("measuring", "\(function)(\(context.title(measure.expression))) at step \(measure.step + 1)")
        }
        node.add("answer", PlanDescription.text(query.view))
        var match = PlanNode(name: "Match steps", stages: [.steps], rows: .steps)
        match.add("steps", texts: query.steps.enumerated().map { "\($0 + 1) " + text($1) })
        match.add("excluding", texts: query.exclusions.map { text($0, stepCount: count) })
        match.add("where", title(query.filter))
        match.add("entered from", title(query.enteredFrom))
        match.add("entered to", title(query.enteredTo))
        describeConditions(&match)
        return .chain([answer(query.options), node, match] + source())
    }

    /// `RETENTION`.
    func retention(_ query: RetentionQuery) -> PlanNode {
        var node = PlanNode(name: "Retention", subject: "by \(query.period.rawValue.lowercased())")
        node.stages = [.sequence]
        node.rows = .sequence
        node.add("periods", count: query.periodCount)
        node.add("cohorts", query.cohorts == .firstTime ? "first time" : "recurring")
        node.add("measuring", query.measures.map { $0.title(context) }.joined(separator: ", "))
        describeOptions(query, &node)
        if query.maturedOnly { node.add("cells", "matured only") }
        var match = PlanNode(name: "Match steps", stages: [.steps], rows: .steps)
        match.add("steps", texts: ["start " + text(query.start), "return " + text(query.returning)])
        match.add("where", title(query.filter))
        describeConditions(&match)
        return .chain([answer(query.options), node, match] + source())
    }

    /// `DECILES`.
    func deciles(_ query: DecileQuery) -> PlanNode {
        let tiles = PlanNode(name: "Deciles", stages: [.sort])
        var node = PlanNode(name: "Aggregate", subject: "by customer", stages: [.aggregate], rows: .aggregate)
        node.add("measure", context.segmentTitle(.aggregate(query.measure)))
        return .chain([answer(query.options), tiles, node] + source())
    }

    /// A step as it is written.
    func text(_ step: Step) -> String {
        func condition(_ filter: Expression?) -> String { filter.map { " WHERE \(context.title($0))" } ?? "" }
        let first = step.firstEver.map { " FIRST EVER" + condition($0.filter) } ?? ""
        return (step.name.map { "\($0) = " } ?? "") + step.table + condition(step.filter) + first + place(step)
    }

    /// The columns that conditions read, and how.
    func describeConditions(_ node: inout PlanNode) {
        var names: [String] = []
        var isRowByRow = false
        for (place, table) in builder.tables.enumerated() {
            for condition in table.uses.compactMap({ $0 }) {
                for name in columns(of: condition, table: place).map({ "\(table.snapshot.schema.name).\($0)" })
                where !names.contains(name) {
                    names.append(name)
                }
                isRowByRow = isRowByRow || Predicate(condition).isRowByRow
            }
        }
        node.add("columns", texts: names)
        if isRowByRow { node.add("evaluated", "row by row, for want of a kernel") }
    }

    private static func text(_ attribution: FunnelQuery.Attribution) -> String {
        switch attribution {
        case .first: "first"
        case .last: "last"
        case .all: "all"
        case .step(let step): "step \(step + 1)"
        case .stepFirst(let step): "step \(step + 1) first"
        }
    }
}

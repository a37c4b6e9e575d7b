import DukkanFormat
import DukkanStorage

extension PlanDescription {
    /// What a retention's options do, beside what a plain one has.
    func describeOptions(_ query: RetentionQuery, _ node: inout PlanNode) {
        if !query.brackets.isEmpty { node.add("brackets", query.brackets.map { "\($0)" }.joined(separator: ", ")) }
        if query.isRolling { node.add("periods from", "the customer's own start row") }
        if query.isOnOrAfter { node.add("returns", "on or after") }
        if query.isRunning { node.add("returns", "running") }
        if query.returnCountMin > 1 { node.add("return rows at least", count: query.returnCountMin) }
        if query.isPerCustomer { node.add("sums", "per customer") }
        guard let split = query.split else { return }
        node.add("split by", context.title(split.expression))
        if let top = split.top { node.add("top", count: top) }
    }

    /// `LIFECYCLE`.
    func lifecycle(_ query: LifecycleQuery) -> PlanNode {
        var node = PlanNode(name: "Lifecycle", subject: "by \(query.period.rawValue.lowercased())")
        node.add("from", title(query.from))
        node.add("to", title(query.to))
        return activity(node, query.step, query.options)
    }

    /// `STICKINESS`.
    func stickiness(_ query: StickinessQuery) -> PlanNode {
        let period = query.period.rawValue.lowercased()
        let span = query.periodSpan
        var node = PlanNode(name: "Stickiness", subject: span == 1 ? "by \(period)" : "by \(span) \(period)s")
        node.add("from", title(query.from))
        node.add("to", title(query.to))
        if query.rowCountMin > 1 { node.add("rows of an active period at least", count: query.rowCountMin) }
        if query.isCumulative { node.add("customers", "with as many periods or more") }
        if span > 1 && query.from == nil { node.add("passes", count: 2) }
        return activity(node, query.step, query.options)
    }

    /// `PATHS`.
    func paths(_ query: PathQuery) -> PlanNode {
        var node = PlanNode(name: "Paths", subject: "on \(context.title(query.item))")
        node.add("from", title(query.from))
        node.add("towards", title(query.towards))
        node.add("depth", count: query.depth)
        switch query.sessions {
        case .gap(let gap): node.add("split at", ExplanationText.span(gap))
        case .column(let session): node.add("by session", title(session) ?? "session_id")
        }
        return activity(node, query.step, query.options)
    }

    private func activity(_ node: PlanNode, _ step: Step, _ options: QueryOptions) -> PlanNode {
        var node = node
        node.stages = [.sequence]
        node.rows = .sequence
        var match = PlanNode(name: "Match rows", stages: [.steps], rows: .steps)
        match.add("of", text(step))
        describeConditions(&match)
        return .chain([answer(options), node, match] + source())
    }
}

import DukkanFormat

extension PlanDescription {
    /// Where a step may stand on a chain.
    func place(_ step: Step) -> String {
        var text = step.isOptional ? " OPTIONAL" : ""
        if step.gapMin != nil || step.gapMax != nil {
            text += " GAP"
            if let least = step.gapMin { text += " FROM \(ExplanationText.span(least))" }
            if let most = step.gapMax { text += " TO \(ExplanationText.span(most))" }
        }
        return text
    }

    /// Rows that exclude, as they are written.
    func text(_ exclusion: FunnelQuery.Exclusion, stepCount: Int) -> String {
        let from = (exclusion.from ?? 0) + 1, to = (exclusion.to ?? stepCount - 1) + 1
        let scope = exclusion.scope == .customer ? "per customer" : "per attempt"
        return text(exclusion.step) + " between steps \(from) and \(to), \(scope)"
    }

    /// How rows form chains and what is counted.
    func describeOrder(_ query: FunnelQuery, _ node: inout PlanNode) {
        if case .clickHouse(let modes)? = query.preset {
            node.add("as ClickHouse with modes", texts: modes.isEmpty ? ["none"] : modes.map(\.rawValue).ascending())
        } else if query.order != .any {
            switch query.ties {
            case .favourable: node.add("ties", "favourable")
            case .recorded: node.add("ties", "recorded")
            case .increasing: node.add("ties", "increasing")
            }
        }
        if query.order != .sequence { node.add("order", query.order == .any ? "any" : "strict") }
        if query.reusesRows { node.add("rows", "reused") }
        node.add("holding", title(query.holding))
        switch query.unit {
        case .customers: break
        case .sessions(let session): node.add("counting", "sessions of \(title(session) ?? "session_id")")
        case .entries: node.add("counting", "entries")
        }
    }

    /// What an answer shows instead of steps.
    static func text(_ view: FunnelQuery.View) -> String? {
        switch view {
        case .steps: return nil
        case .trends(let period): return "trends by \(period.rawValue.lowercased())"
        case .timeToConvert(let from, let to, let bins):
            var text = "time to convert"
            if let from { text += " from step \(from + 1)" }
            if let to { text += " to step \(to + 1)" }
            return text + (bins.map { " in \($0) bins" } ?? "")
        case .customers(.reached, let step): return "customers who reached step \(step + 1)"
        case .customers(.dropped, let step): return "customers who dropped at step \(step + 1)"
        case .customers(.open, let step): return "customers open at step \(step + 1)"
        }
    }
}

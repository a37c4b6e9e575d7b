import DukkanFormat

extension FunnelQuery {
    /// Whether it asks for nothing but steps, a window, ties, filters and a breakdown: what the funnel's own kernel
    /// answers.
    package var isPlain: Bool {
        let plain = FunnelQuery(
            steps, within: window, ties: ties, where: filter, enteredFrom: enteredFrom, enteredTo: enteredTo,
            by: breakdown, options: options)
        return plain == self
            && steps.allSatisfy { $0.firstEver == nil && !$0.isOptional && $0.gapMin == nil && $0.gapMax == nil }
    }

    /// The same with the clauses that a preset stands for written out.
    package func resolved() -> FunnelQuery {
        var copy = self
        if preset == .postHog {
            copy.window = window ?? FunnelQuery.postHogWindow
            copy.preset = nil
        }
        return copy
    }

    /// 14 days.
    private static let postHogWindow: Int64 = 14 * 86_400_000_000

    /// Whether it is answered as ClickHouse's `windowFunnel` would.
    var isClickHouse: Bool {
        if case .clickHouse? = preset { true } else { false }
    }

    /// Whether rows count that match no step: what stands between neighbours.
    var needsEveryRow: Bool {
        if case .clickHouse(let modes)? = preset { return modes.contains(.strictOrder) }
        return order == .strict
    }

    /// Refuses clauses that have no meaning, alone or together.
    ///
    /// - Throws: `invalid_query`, or `limit` for too many steps and exclusions.
    package func validate() throws {
        try validateSteps()
        try validateExclusions()
        try validateOrder()
        try validateAnswer()
        if isClickHouse { try validateClickHouse() }
    }

    // MARK: Parts

    private func validateSteps() throws {
        guard (1...FunnelQuery.stepCountMax).contains(steps.count) else {
            throw DukkanError(.limit, "a funnel has 1 to \(FunnelQuery.stepCountMax) steps, not \(steps.count)")
        }
        let bitCountMax = FunnelQuery.stepCountMax - (needsEveryRow ? 1 : 0)
        guard steps.count + exclusions.count <= bitCountMax else {
            throw DukkanError(.limit, "a funnel has at most \(bitCountMax) steps and exclusions together")
        }
        if let window, window < 0 {
            throw DukkanError(.invalidQuery, "the window of a funnel cannot be negative")
        }
        if steps[0].isOptional { throw DukkanError(.invalidQuery, "the first step of a funnel cannot be OPTIONAL") }
        if steps[steps.count - 1].isOptional {
            throw DukkanError(.invalidQuery, "the last step of a funnel cannot be OPTIONAL")
        }
        if steps[0].gapMin != nil || steps[0].gapMax != nil {
            throw DukkanError(.invalidQuery, "the first step of a funnel has no GAP: no step comes before it")
        }
        for step in steps {
            let least = step.gapMin ?? 0
            guard least >= 0, (step.gapMax ?? 0) >= 0 else {
                throw DukkanError(.invalidQuery, "a GAP cannot be negative")
            }
            guard let most = step.gapMax, most < least else { continue }
            throw DukkanError(
                .invalidQuery,
                "GAP FROM \(ExplanationText.span(least).uppercased()) TO \(ExplanationText.span(most).uppercased()) "
                    + "leaves no time")
        }
    }

    private func validateExclusions() throws {
        for exclusion in exclusions {
            guard steps.count > 1 else { throw DukkanError(.invalidQuery, "EXCLUDING needs a second step") }
            let from = exclusion.from ?? 0, to = exclusion.to ?? steps.count - 1
            try requireStep(from)
            try requireStep(to)
            guard from < to else {
                throw DukkanError(
                    .invalidQuery,
                    "EXCLUDING stands between an earlier and a later step, not between step \(from + 1) and step \(to + 1)"
                )
            }
            let step = exclusion.step
            if step.firstEver != nil { throw DukkanError(.invalidQuery, "FIRST EVER is for the steps of a funnel") }
            if step.isOptional { throw DukkanError(.invalidQuery, "OPTIONAL is for the steps of a funnel") }
            if step.gapMin != nil || step.gapMax != nil {
                throw DukkanError(.invalidQuery, "GAP is for the steps of a funnel")
            }
        }
    }

    private func validateOrder() throws {
        if reusesRows {
            if order != .sequence {
                let name = order == .any ? "ANY" : "STRICT"
                throw DukkanError(
                    .invalidQuery, "REUSING ROWS has no meaning with ORDER \(name): its steps are rows of their own")
            }
            if ties == .increasing {
                throw DukkanError(
                    .invalidQuery,
                    "REUSING ROWS has no meaning with TIES INCREASING: a row is not later than itself")
            }
        }
        guard order == .any else { return }
        if ties != .favourable {
            throw DukkanError(
                .invalidQuery, "TIES has no meaning with ORDER ANY: the steps may come in any order")
        }
        if steps.contains(where: \.isOptional) {
            throw DukkanError(
                .invalidQuery, "OPTIONAL has no meaning with ORDER ANY: no step comes before another")
        }
        if steps.contains(where: { $0.gapMin != nil || $0.gapMax != nil }) {
            throw DukkanError(.invalidQuery, "GAP has no meaning with ORDER ANY: no step comes before another")
        }
        if exclusions.contains(where: { ($0.from ?? 0) > 0 || ($0.to ?? steps.count - 1) < steps.count - 1 }) {
            throw DukkanError(
                .invalidQuery,
                "EXCLUDING … BETWEEN has no meaning with ORDER ANY: no step comes before another",
                advice: "Leave BETWEEN out: it then holds from the first row to the last.")
        }
    }

    private func validateAnswer() throws {
        if let breakdown {
            if let top = breakdown.top, top < 1 { throw DukkanError(.invalidQuery, "TOP needs a number from 1 on") }
            switch breakdown.attribution {
            case .step(let step), .stepFirst(let step):
                guard steps.indices.contains(step) else {
                    throw DukkanError(.invalidQuery, "the funnel has no step \(step + 1) to attribute to")
                }
            case .first, .last, .all: break
            }
        }
        if let measure { try requireStep(measure.step) }
        switch view {
        case .steps, .trends: break
        case .timeToConvert(let from, let to, let bins):
            let from = from ?? 0, to = to ?? steps.count - 1
            try requireStep(from)
            try requireStep(to)
            guard from < to else {
                throw DukkanError(.invalidQuery, "TIME TO CONVERT goes from an earlier to a later step")
            }
            if let bins, !(1...FunnelQuery.binCountMax).contains(bins) {
                throw DukkanError(
                    .invalidQuery, "TIME TO CONVERT has 1 to \(FunnelQuery.binCountMax) BINS, not \(bins)")
            }
            if measure != nil {
                throw DukkanError(.invalidQuery, "MEASURING is for steps and TRENDS, not for TIME TO CONVERT")
            }
        case .customers(_, let step):
            try requireStep(step)
            if measure != nil {
                throw DukkanError(.invalidQuery, "MEASURING is for steps and TRENDS, not for CUSTOMERS")
            }
        }
    }

    private func requireStep(_ step: Int) throws {
        guard steps.indices.contains(step) else {
            throw DukkanError(.invalidQuery, "the funnel has no step \(step + 1)")
        }
    }

    private func validateClickHouse() throws {
        if window == nil { throw DukkanError(.invalidQuery, "PRESET CLICKHOUSE needs WITHIN") }
        if let clause = unknownToClickHouse {
            throw DukkanError(
                .invalidQuery, "\(clause) has no meaning with PRESET CLICKHOUSE: windowFunnel does not know it",
                advice: "Without the preset it works.")
        }
        var clause: String?
        if measure != nil { clause = "MEASURING" }
        if case .trends = view { clause = "TRENDS" }
        if case .timeToConvert = view { clause = "TIME TO CONVERT" }
        if let clause {
            throw DukkanError(
                .invalidQuery, "\(clause) has no meaning with PRESET CLICKHOUSE: windowFunnel tells levels, not rows")
        }
    }

    /// The first clause that `windowFunnel` has nothing like.
    private var unknownToClickHouse: String? {
        if ties != .favourable { return "TIES" }
        if order != .sequence { return "ORDER" }
        if reusesRows { return "REUSING ROWS" }
        if steps.contains(where: \.isOptional) { return "OPTIONAL" }
        if steps.contains(where: { $0.gapMin != nil || $0.gapMax != nil }) { return "GAP" }
        if !exclusions.isEmpty { return "EXCLUDING" }
        if holding != nil { return "HOLDING" }
        if session != nil { return "WITHIN SESSION" }
        switch unit {
        case .customers: break
        case .sessions: return "COUNTING SESSIONS"
        case .entries: return "COUNTING ENTRIES"
        }
        switch breakdown?.attribution {
        case .step: return "ATTRIBUTED STEP"
        case .all: return "ATTRIBUTED ALL"
        case .first, .last, .stepFirst, nil: return nil
        }
    }
}

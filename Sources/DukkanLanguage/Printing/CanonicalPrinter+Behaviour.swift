import DukkanFormat
import DukkanQuery

extension CanonicalPrinter {
    // MARK: Steps

    mutating func print(_ step: Step) {
        if let name = step.name {
            print(name: name)
            write(" = ")
        }
        print(name: step.table)
        clause(" WHERE ", step.filter)
        if let first = step.firstEver {
            write(" FIRST EVER")
            clause(" WHERE ", first.filter)
        }
        if step.isOptional { write(" OPTIONAL") }
        if step.gapMin != nil || step.gapMax != nil { write(" GAP") }
        if let gap = step.gapMin {
            write(" FROM ")
            print(microseconds: gap)
        }
        if let gap = step.gapMax {
            write(" TO ")
            print(microseconds: gap)
        }
    }

    /// Writes a step's name, or its number if no name, or not its own, would be found.
    mutating func print(stepAt place: Int, of steps: [Step], number: String = "") {
        if steps.indices.contains(place), let name = steps[place].name, steps.place(named: name) == place {
            print(name: name)
        } else {
            write(number + String(place + 1))
        }
    }

    // MARK: Funnels

    mutating func print(_ query: FunnelQuery) {
        write("FUNNEL ")
        list(query.steps) { $0.print($1) }
        if let window = query.window {
            write(" WITHIN ")
            print(microseconds: window)
        }
        if let session = query.session { print(session: session, isBare: query.breakdown == nil) }
        switch query.order {
        case .sequence: break
        case .strict: write(" ORDER STRICT")
        case .any: write(" ORDER ANY")
        }
        switch query.ties {
        case .favourable: if needsTies(query) { write(" TIES FAVOURABLE") }
        case .recorded: write(" TIES RECORDED")
        case .increasing: write(" TIES INCREASING")
        }
        if query.reusesRows { write(" REUSING ROWS") }
        clause(" WHERE ", query.filter)
        if query.enteredFrom != nil || query.enteredTo != nil { write(" ENTERED") }
        clause(" FROM ", query.enteredFrom)
        clause(" TO ", query.enteredTo)
        for exclusion in query.exclusions { print(exclusion, steps: query.steps) }
        clause(" HOLDING ", query.holding)
        if let breakdown = query.breakdown { print(breakdown, steps: query.steps) }
        printCounts(query)
        printView(query.view, steps: query.steps)
        switch query.preset {
        case nil: break
        case .postHog?: write(" PRESET POSTHOG")
        case .clickHouse(let modes)?:
            write(" PRESET CLICKHOUSE")
            let said = FunnelQuery.ClickHouseMode.allCases.filter { modes.contains($0) }
            if !said.isEmpty { write(" MODES (" + said.map(\.rawValue).joined(separator: ", ") + ")") }
        }
        print(query.options, presetsSunday: query.preset == .postHog)
    }

    /// Whether a `WHERE` directly behind the last step would be the step's own.
    private func needsTies(_ query: FunnelQuery) -> Bool {
        guard query.filter != nil, query.window == nil, query.session == nil, query.order == .sequence,
            !query.reusesRows, let last = query.steps.last
        else { return false }
        if last.isOptional || last.gapMin != nil || last.gapMax != nil { return false }
        if let first = last.firstEver { return first.filter == nil }
        return last.filter == nil
    }

    /// Writes `WITHIN SESSION`, with the key where it is not the usual one, or where a `BY` may follow.
    private mutating func print(session: Expression, isBare: Bool) {
        write(" WITHIN SESSION")
        if !isBare || session != StatementParser.sessionColumn { print(key: session) }
    }

    private mutating func print(key: Expression) {
        write(" BY ")
        let begin = text.utf8.count
        print(key)
        protect(from: begin) { $0 == .segments }
    }

    private mutating func print(_ exclusion: FunnelQuery.Exclusion, steps: [Step]) {
        write(" EXCLUDING ")
        let outer = exclusionSteps
        exclusionSteps = Set(steps.compactMap { $0.name?.lowercased() })
        print(exclusion.step)
        exclusionSteps = outer
        if exclusion.from != nil || exclusion.to != nil {
            write(" BETWEEN ")
            print(stepAt: exclusion.from ?? 0, of: steps, number: "STEP ")
            write(" AND ")
            print(stepAt: exclusion.to ?? steps.count - 1, of: steps, number: "STEP ")
        }
        if exclusion.scope == .attempt { write(" PER ATTEMPT") }
    }

    private mutating func print(_ breakdown: FunnelQuery.Breakdown, steps: [Step]) {
        print(key: breakdown.expression)
        switch breakdown.attribution {
        case .first: break
        case .last: write(" ATTRIBUTED LAST")
        case .all: write(" ATTRIBUTED ALL")
        case .step(let place):
            write(" ATTRIBUTED STEP ")
            print(stepAt: place, of: steps)
        case .stepFirst(let place):
            write(" ATTRIBUTED STEP ")
            print(stepAt: place, of: steps)
            write(" FIRST")
        }
        if let top = breakdown.top { write(" TOP \(top)") }
    }

    private mutating func printCounts(_ query: FunnelQuery) {
        switch query.unit {
        case .customers: break
        case .entries: write(" COUNTING ENTRIES")
        case .sessions(let key):
            write(" COUNTING SESSIONS")
            if let key { print(key: key) }
        }
        if let measure = query.measure {
            clause(measure.function == .sum ? " MEASURING sum(" : " MEASURING avg(", measure.expression)
            write(") AT ")
            print(stepAt: measure.step, of: query.steps)
        }
    }

    private mutating func printView(_ view: FunnelQuery.View, steps: [Step]) {
        switch view {
        case .steps: break
        case .trends(let period): write(" TRENDS BY \(period.rawValue)")
        case .timeToConvert(let from, let to, let bins):
            write(" TIME TO CONVERT")
            if let from {
                write(" FROM ")
                print(stepAt: from, of: steps)
            }
            if let to {
                write(" TO ")
                print(stepAt: to, of: steps)
            }
            if let bins { write(" IN \(bins) BINS") }
        case .customers(let standing, let step):
            write(" CUSTOMERS ")
            print(standing)
            print(stepAt: step, of: steps)
        }
    }

    private mutating func print(_ standing: FunnelQuery.Standing) {
        switch standing {
        case .reached: write("REACHED ")
        case .dropped: write("DROPPED AT ")
        case .open: write("OPEN AT ")
        }
    }

    mutating func print(_ membership: FunnelMembership) {
        print(membership.standing)
        print(stepAt: membership.step, of: membership.query.steps)
        write(" OF (")
        let outer = exclusionSteps
        exclusionSteps = []
        inContext(segment: false) { $0.print(membership.query) }
        exclusionSteps = outer
        write(")")
    }

    // MARK: Retention

    mutating func print(_ query: RetentionQuery) {
        write("RETENTION OF ")
        print(query.start)
        write(" RETURNING ")
        print(query.returning)
        write(" BY \(query.period.rawValue)")
        if query.brackets.isEmpty {
            write(" FOR \(query.periodCount) PERIODS")
        } else {
            write(" BRACKETS ")
            list(query.brackets) { $0.write(String($1)) }
        }
        if query.isRolling { write(" ROLLING") }
        // The preset's own is the other one.
        if (query.cohorts == .recurring) != query.isPostHog {
            write(query.cohorts == .recurring ? " RECURRING" : " FIRST TIME")
        }
        if query.isOnOrAfter { write(" ON OR AFTER") }
        if query.returnCountMin != 1 { write(" AT LEAST \(query.returnCountMin)") }
        if query.measures != [.customers] {
            write(" MEASURING ")
            list(query.measures) { $0.print($1) }
        }
        if query.isPerCustomer { write(" PER CUSTOMER") }
        if query.isRunning { write(" RUNNING") }
        clause(" SPLIT BY ", query.split?.expression)
        if let top = query.split?.top { write(" TOP \(top)") }
        clause(" WHERE ", query.filter)
        if query.maturedOnly { write(" MATURED ONLY") }
        if query.isPostHog { write(" PRESET POSTHOG") }
        print(query.options, presetsSunday: query.isPostHog)
    }

    private mutating func print(_ measure: RetentionQuery.Measure) {
        switch measure {
        case .customers: write("customers")
        case .sum(let expression):
            clause("sum(", expression)
            write(")")
        case .average(let expression):
            clause("avg(", expression)
            write(")")
        }
    }

    // MARK: Activity

    mutating func print(_ query: LifecycleQuery) {
        write("LIFECYCLE OF ")
        print(query.step)
        write(" BY \(query.period.rawValue)")
        clause(" FROM ", query.from, atLeast: Binding.and)
        clause(" TO ", query.to, atLeast: Binding.and)
        print(query.options)
    }

    mutating func print(_ query: StickinessQuery) {
        write("STICKINESS OF ")
        print(query.step)
        let period = query.period.rawValue
        write(query.periodSpan == 1 ? " BY \(period)" : " BY \(query.periodSpan) \(period)S")
        clause(" FROM ", query.from, atLeast: Binding.and)
        clause(" TO ", query.to, atLeast: Binding.and)
        if query.rowCountMin != 1 { write(" AT LEAST \(query.rowCountMin)") }
        if query.isCumulative { write(" OR MORE") }
        print(query.options)
    }

    mutating func print(_ query: PathQuery) {
        write("PATHS OF ")
        print(query.step)
        clause(" ON ", query.item)
        clause(" FROM ", query.from)
        clause(" TOWARDS ", query.towards)
        write(" DEPTH \(query.depth)")
        switch query.sessions {
        case .gap(PathQuery.gapDefault): break
        case .gap(let gap):
            write(" SPLIT AT ")
            print(microseconds: gap)
        case .column(let key):
            write(" BY SESSION")
            guard let key else { break }
            write(" ")
            let begin = text.utf8.count
            print(key)
            protect(from: begin) { _ in true }
        }
        print(query.options)
    }
}

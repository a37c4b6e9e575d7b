import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// The answers of a funnel besides its steps.
extension ReferenceFunnelOptions {
    // MARK: Trends

    /// For each period from the first entry, or `ENTERED FROM`, to the last that can have one.
    func trends() throws -> QueryResult {
        guard let calendar = outcomes.calendar else { throw ReferenceError("no calendar") }
        let groups = try groups()
        let entered = try outcomes.source.enteredBounds()
        let buckets = groups.flatMap { $0.outcomes.map(\.bucket) }
        let asOf = outcomes.source.asOf
        let last = min(asOf, entered.to.map { $0 - 1 } ?? asOf)
        var rows: [[Value]] = []
        if let first = entered.from.map({ calendar.period($0) }) ?? buckets.min(), entered.from ?? .min <= last {
            for period in first...calendar.period(last) {
                for group in groups {
                    let own = Group(
                        value: group.value, isOther: group.isOther,
                        outcomes: group.outcomes.filter { $0.bucket == period })
                    rows += query.steps.indices.map { [calendar.label(period)] + row($0, own) }
                }
            }
        }
        return QueryResult(columns: columns(["period"]), rows: rows, shape: .trends)
    }

    // MARK: Time to convert

    func timeToConvert(_ from: Int?, _ to: Int?, _ bins: Int?) throws -> QueryResult {
        var rows: [[Value]] = []
        for group in try groups() {
            let times = group.outcomes.compactMap { outcome -> Int64? in
                guard let begin = outcome.time(at: from ?? 0),
                    let end = outcome.time(at: to ?? query.steps.count - 1)
                else { return nil }
                return end - begin
            }
            guard let least = times.min(), let most = times.max() else { continue }
            var count = bins ?? 1
            // The cube root, rounded up.
            while bins == nil && count * count * count < times.count && count < 60 { count += 1 }
            let second: Int64 = 1_000_000
            let first = least / second
            var width = (most - least + Int64(count) * second - 1) / (Int64(count) * second)
            if width == 0 { width = 60 }
            for bin in 0...count {
                let begin = first + Int64(bin) * width
                let own = times.filter { $0 >= begin * second && $0 < (begin + width) * second }
                let mean = Double(own.reduce(0, +)) / 1e6 / Double(own.count)
                rows.append([
                    group.value, .int(Int128(bin + 1)), .int(Int128(begin)), .int(Int128(begin + width)),
                    .int(Int128(own.count)), own.isEmpty ? .null : .double(mean),
                ])
            }
        }
        let names = ["value", "bin", "from_s", "to_s", "customers", "mean_s"]
        return QueryResult(columns: names.map { .init($0, .int) }, rows: rows, shape: .histogram)
    }

    // MARK: Customers

    /// Whether an outcome stands somewhere.
    static func stands(
        _ outcome: ReferenceOutcome, _ standing: FunnelQuery.Standing, at step: Int, of stepCount: Int
    ) -> Bool {
        switch standing {
        case .reached: outcome.steps.contains(step)
        case .dropped: outcome.steps.last == step && outcome.level < stepCount && !outcome.isOpen
        case .open: outcome.steps.last == step && outcome.level < stepCount && outcome.isOpen
        }
    }

    func customers(_ standing: FunnelQuery.Standing, _ step: Int) throws -> QueryResult {
        var names = ["customer", "value", "step", "name", "entered", "reached_at"]
        var isOfSessions = false
        if case .sessions = query.unit {
            names.insert("session", at: 0)
            isOfSessions = true
        }
        var rows: [[Value]] = []
        for group in try groups() {
            for outcome in group.outcomes
            where ReferenceFunnelOptions.stands(outcome, standing, at: step, of: query.steps.count) {
                func time(_ step: Int) -> Value {
                    outcome.time(at: step).map { .timestamp(Timestamp(microseconds: $0)) } ?? .null
                }
                let customer: Value =
                    switch outcome.customer {
                    case .integer(let key): .int(Int128(key))
                    case .string(let key): .string(key)
                    }
                rows.append(
                    (isOfSessions ? [outcome.unit] : [])
                        + [customer, group.value, .int(Int128(step + 1)), name(step), time(0), time(step)])
            }
        }
        // By customer, session, value and entry.
        let order = [names.firstIndex(of: "customer"), isOfSessions ? 0 : nil].compactMap { $0 }
        let keys = order + [names.count - 5, names.count - 2]
        rows.sort { a, b in
            for key in keys where a[key] != b[key] { return ValueOrdering.precedes(a[key], b[key]) }
            return false
        }
        return QueryResult(columns: names.map { .init($0, .int) }, rows: rows, shape: .customers)
    }
}

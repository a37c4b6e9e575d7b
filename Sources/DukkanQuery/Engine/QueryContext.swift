import DukkanFormat
import DukkanStorage
import DukkanTime

/// What a query is answered with: the snapshot, its end of knowledge, its calendar, its resources.
struct QueryContext: Sendable {
    let snapshot: Snapshot
    let clock: QueryClock
    /// Rows later than this do not exist, µs UTC.
    var asOf = Int64.max
    /// Named segments of the store, by name.
    let segments: [String: Expression]
    let threads: Int
    let memoryBudgetBytes: Int
    let control: WorkControl?
    /// The text of an expression.
    let title: @Sendable (Expression) -> String
    /// The text of an expression over a customer.
    let segmentTitle: @Sendable (Expression) -> String
    let cost: MutexCost
    /// What an EXPLAIN gathers; nil for a plain query.
    let trace: QueryTrace?

    init(
        snapshot: Snapshot, queryOptions: QueryOptions, engine: EngineOptions, control: WorkControl?,
        trace: QueryTrace? = nil
    ) throws {
        self.snapshot = snapshot
        self.trace = trace
        cost = MutexCost(isMetered: trace?.isAnalyzed == true)
        clock = try QueryClock(queryOptions)
        segments = engine.segments
        threads = engine.threads
        memoryBudgetBytes = engine.memoryBudgetBytes
        self.control = control
        title = engine.title
        segmentTitle = engine.segmentTitle
    }

    /// The table of a name, or an error that suggests the nearest one.
    func table(_ name: String) throws -> TableSnapshot {
        if let table = snapshot.table(named: name) { return table }
        throw notFound("table", name, among: snapshot.tables.map(\.schema.name))
    }

    func notFound(_ kind: String, _ name: String, among known: [String]) -> DukkanError {
        let near = NearName.nearest(to: name, among: known)
        var advice: String?
        if let best = near.first {
            advice = "Did you mean \(best)?"
        } else if !known.isEmpty, known.count <= 40 {
            advice = "There is: \(known.ascending().joined(separator: ", "))"
        }
        return DukkanError(.invalidQuery, "there is no \(kind) '\(name)'", advice: advice)
    }

    /// Sets the end of knowledge: what `AS OF` says, or else the latest time in the tables asked.
    mutating func setAsOf(_ expression: Expression?, tables: [TableSnapshot]) throws {
        asOf = try tables.reduce(Int64.min) { try max($0, latestTime(of: $1)) }
        guard let expression else { return }
        asOf = try instant(expression, of: "AS OF")
    }

    /// The instant that a constant expression is.
    ///
    /// - Parameter clause: the words before it, for messages.
    func instant(_ expression: Expression, of clause: String) throws -> Int64 {
        let binder = Binder(self, ConstantScope())
        let bound = try binder.bind(expression)
        let time: BoundExpression
        if case .string(let text)? = bound.constant { time = try clock.parse(text) } else { time = bound }
        guard case .timestamp(let limit)? = binder.convert(time, .timestamp).constant else {
            throw DukkanError(.invalidQuery, "\(clause) needs a time, as \(clause) '2025-12-01'")
        }
        return limit.microseconds
    }

    /// The latest event time of a table's rows.
    ///
    /// Reads the time column only of parts whose statistics deletes have spoiled.
    private func latestTime(of table: TableSnapshot) throws -> Int64 {
        let column = table.schema.columns[table.schema.timeColumn].name
        var latest = Int64.min
        for part in table.parts where part.deletes == nil {
            guard let place = part.column(forSchemaColumn: column), part.footer.rowCount > 0 else { continue }
            latest = max(latest, part.footer.columns[place].statistics.maximum)
        }
        let reader = BlockReader(meter: trace?.coordinator, usesCache: true)
        let times = ColumnVector(.integers)
        let customers = CustomerBlock()
        for part in table.parts {
            guard let deletes = part.deletes, let place = part.column(forSchemaColumn: column) else { continue }
            let blocks = part.footer.columns[place].blocks
            for (b, block) in blocks.enumerated() where block.statistics.maximum > latest {
                if block.needsCustomers { try part.readCustomers(block: b, into: customers, reader: reader) }
                try part.readColumn(
                    place, block: b, customers: customers, dictionary: nil, into: times, reader: reader)
                let firstRow = part.footer.rowBlocks[b].firstRow
                for row in 0..<times.count where !deletes.isDeleted(firstRow + row) {
                    latest = max(latest, times.integers[row])
                }
            }
        }
        cost.add(reader)
        return latest
    }
}

/// For expressions in which no names may stand.
final class ConstantScope: BindingScope {
    func bindWhole(_ expression: Expression, _ binder: Binder) throws -> BoundExpression? { nil }

    func bindColumn(_ name: ColumnName, _ binder: Binder) throws -> BoundExpression {
        throw DukkanError(.invalidQuery, "a constant is needed here, not the column '\(name.name)'")
    }

    func bindSegment(_ condition: Expression, _ binder: Binder) throws -> BoundExpression {
        throw DukkanError(.invalidQuery, "a constant is needed here, not a segment")
    }
}

import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a retention with options.
struct GeneralRetentionRun {
    init(_ query: RetentionQuery, _ base: QueryContext) throws {
        throw DukkanError.notAvailable("a retention with these options")
    }

    func run() throws -> QueryResult { throw DukkanError.notAvailable("a retention with these options") }
}

extension RetentionQuery {
    /// Whether no clause is used for which ``RetentionRun`` has no place.
    package var isPlain: Bool {
        func plain(_ step: Step) -> Step { Step(step.name, in: step.table, where: step.filter) }
        guard let first = measures.first else { return false }
        let query = RetentionQuery(
            of: plain(start), returning: plain(returning), by: period, periods: periodCount, cohorts: cohorts,
            measuring: first, where: filter, maturedOnly: maturedOnly, options: options)
        return query == self
    }
}

import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `LIFECYCLE`.
struct LifecycleRun {
    init(_ query: LifecycleQuery, _ base: QueryContext) throws { throw DukkanError.notAvailable("LIFECYCLE") }

    func run() throws -> QueryResult { throw DukkanError.notAvailable("LIFECYCLE") }
}

/// Binds, plans and runs a `STICKINESS`.
struct StickinessRun {
    init(_ query: StickinessQuery, _ base: QueryContext) throws { throw DukkanError.notAvailable("STICKINESS") }

    func run() throws -> QueryResult { throw DukkanError.notAvailable("STICKINESS") }
}

/// Binds, plans and runs a `PATHS`.
struct PathRun {
    init(_ query: PathQuery, _ base: QueryContext) throws { throw DukkanError.notAvailable("PATHS") }

    func run() throws -> QueryResult { throw DukkanError.notAvailable("PATHS") }
}

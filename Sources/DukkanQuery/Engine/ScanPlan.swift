import DukkanFormat
import DukkanStorage

/// What a ``ScanBuilder`` collected, fixed and ready to run on any number of threads.
final class ScanPlan: Sendable {
    let tables: [TableSnapshot]
    let lookups: [LookupPlan]
    let segments: [SegmentPlan]
    let segmentFilters: [[Predicate?]]
    /// Tables in whose expressions a lookup or a segment appears.
    let lookupUsers: [Set<Int>]
    let segmentUsers: [Set<Int>]
    /// Segments within a segment's condition.
    let segmentDependencies: [Set<Int>]
    /// Tables whose rows need the customer's key.
    let customerTables: Set<Int>
    let clock: QueryClock
    let asOf: Int64
    let scan: MorselScan
    let order: MorselScan.Order
    let customers: CustomerRange

    /// - Parameter expressions: every bound expression over rows of a table, with the table's place.
    init(
        _ builder: ScanBuilder, order: MorselScan.Order, customers: CustomerRange = .all,
        expressions: [(table: Int, BoundExpression)]
    ) throws {
        let context = builder.context
        tables = builder.tables.map(\.snapshot)
        lookups = builder.lookups
        segments = builder.segments
        let counted = CountedRows.filters(builder)
        segmentFilters = segments.map { segment in
            segment.measures.map { measure in
                measure.tables.contains { counted[$0] != nil } ? nil : measure.filter.map { Predicate($0) }
            }
        }
        clock = context.clock
        asOf = context.asOf
        self.order = order
        self.customers = customers
        var all = expressions
        for measure in segments.flatMap(\.measures) { all += measure.expressions }
        var lookupUsers = [Set<Int>](repeating: [], count: lookups.count)
        var segmentUsers = [Set<Int>](repeating: [], count: segments.count)
        var customerTables: Set<Int> = []
        for (table, expression) in all {
            expression.visit { part in
                switch part.node {
                case .lookup(let place): lookupUsers[place].insert(table)
                case .segment(let place): segmentUsers[place].insert(table)
                case .customer: customerTables.insert(table)
                default: break
                }
            }
        }
        self.lookupUsers = lookupUsers
        self.segmentUsers = segmentUsers
        self.customerTables = customerTables
        segmentDependencies = segments.map { segment in
            var found: Set<Int> = []
            segment.condition.visit { if case .segment(let place) = $0.node { found.insert(place) } }
            return found
        }
        let reader = BlockReader(meter: context.trace?.coordinator, usesCache: true)
        let clock = context.clock
        var requests = builder.requests()
        for (table, filter) in counted { requests[table].makeChoice = { CountedRows(filter, clock) } }
        scan = try MorselScan(requests: requests, order: order, customers: customers, reader: reader)
        context.cost.add(reader)
    }

    /// Runs over all morsels on the context's threads; `body` gets the frame of the loaded morsel.
    func run<State>(
        _ context: QueryContext, makeState: @Sendable () -> State,
        _ body: @Sendable (MorselFrame, Int, inout State) throws -> Void
    ) throws -> [State] {
        context.trace?.enter(.run)
        defer { context.trace?.enter(.merge) }
        let states = try forEachMorsel(
            of: scan, threads: context.threads, control: context.control, cost: context.cost,
            makeState: { FramedState<State>(value: makeState()) },
            body: { worker, morsel, state in
                if state.frame == nil { state.frame = MorselFrame(worker, self) }
                guard let frame = state.frame else { return }
                frame.begin()
                try body(frame, morsel, &state.value)
            })
        return states.map(\.value)
    }
}

private struct FramedState<State> {
    var frame: MorselFrame?
    var value: State
}

import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `FUNNEL` with options.
final class ChainFunnelRun {
    private let query: FunnelQuery
    private let context: QueryContext
    private let builder: ScanBuilder
    private let program: ChainProgram

    /// - Parameter query: resolved.
    init(_ query: FunnelQuery, _ base: QueryContext) throws {
        try query.validate()
        var context = base
        var names = query.steps.map(\.table) + query.exclusions.map(\.step.table)
        let filters =
            query.steps.flatMap { [$0.filter, $0.firstEver?.filter] } + query.exclusions.map(\.step.filter)
            + [query.filter, query.options.segment]
        for filter in filters { filter?.collectTables(context.segments, into: &names) }
        try context.setAsOf(query.options.asOf, tables: names.map { try context.table($0) })
        self.query = query
        self.context = context
        builder = ScanBuilder(context)
        program = try ChainProgram(query, builder, asOf: context.asOf)
    }

    /// One worker's evaluation and what it found.
    private final class State {
        let worker: ChainWorker
        let tally: FunnelTally

        init(_ program: ChainProgram, _ numberings: ChainWorker.Numberings) {
            worker = ChainWorker(program, numberings)
            tally = FunnelTally(program)
        }
    }

    func run() throws -> QueryResult {
        let scan = try ScanPlan(builder, order: .byCustomer, expressions: program.expressions)
        if let plan = context.planned({ PlanDescription(scan, builder, context).funnel(query) }) { return plan }
        let program = self.program
        let numberings = ChainWorker.Numberings()
        let states = try scan.run(
            context, makeState: { UncheckedState(value: State(program, numberings)) },
            { frame, morsel, state in
                if frame.worker.customerCount == 0 { return }
                frame.meter?.enter(.steps)
                try state.value.worker.load(frame)
                frame.meter?.enter(.sequence)
                try ChainFunnelRun.take(frame, morsel, state.value, program, numberings)
                frame.meter?.enter(.other)
            })
        let total = states.first?.value.tally ?? FunnelTally(program)
        for other in states.dropFirst() { try total.merge(other.value.tally) }
        context.trace?.enter(.output)
        var result = total.result(numberings)
        result.cost.blocksPruned = scan.scan.prunedBlockCount
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }

    private static func take(
        _ frame: MorselFrame, _ morsel: Int, _ state: State, _ program: ChainProgram,
        _ numberings: ChainWorker.Numberings
    ) throws {
        let tally = state.tally
        let measured = try measured(frame, program)
        guard let listing = tally.listing else {
            try state.worker.forEachOutcome({ try tally.note($0) }, { _, outcome in try tally.note(outcome, measured) })
            tally.endMorsel(morsel)
            return
        }
        guard let customers = try frame.customers().customer else { return }
        let type = ScalarType(program.customerType)
        try state.worker.forEachOutcome { customer, outcome in
            try tally.note(outcome, nil)
            guard outcome.stands(listing.standing, at: listing.step) else { return }
            let session = program.unitType.map { program.value(ofUnit: outcome.session, $0, numberings) } ?? .null
            try tally.list(outcome, customer: customers.value(customer, type), session: session)
        }
    }

    /// What is measured, in the rows of its table.
    private static func measured(_ frame: MorselFrame, _ program: ChainProgram) throws -> FunnelTally.Measured? {
        guard let table = program.stepTables.first(where: { $0.measure != nil }), let measure = table.measure else {
            return nil
        }
        let vector = try frame.evaluator.vector(measure, try frame.rows(table.place))
        return vector.kind == .doubles
            ? .doubles(UnsafePointer(vector.doubles), RowValidity(vector))
            : .integers(UnsafePointer(vector.integers), RowValidity(vector))
    }
}

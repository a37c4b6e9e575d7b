import DukkanFormat
import DukkanStorage
import Testing

@testable import DukkanQuery

/// A customer with very many rows: no query may be held up by her where it is not wanted any more.
@Suite struct LongCustomerTests {
    private func store(rowCount: Int) throws -> EngineStore {
        let kinds = ["a", "a", "a", "c"]
        let rows = (0..<rowCount).map { row in
            var made = ReferenceWorld.Row(customer: .integer(1), time: 1_700_000_000_000_000 + Int64(row) * 1_000_000)
            made.values["kind"] = .string(kinds[row % kinds.count])
            made.values["session_id"] = .int(Int128(row / 50))
            return made
        }
        let store = try EngineStore()
        var random = SeededGenerator(seed: 1)
        try store.fill(
            ReferenceWorld(tables: ["events": .init(rows: rows), "orders": .init(rows: [])]), commits: 1,
            random: &random)
        return store
    }

    private func step(_ kind: String) -> Step {
        Step(in: "events", where: .binary(.equal, .column(ColumnName("kind")), .literal(.string(kind))))
    }

    @Test(arguments: [FunnelQuery.Order.sequence, .any, .strict])
    func `a deadline ends a query within one customer`(order: FunnelQuery.Order) throws {
        // The time grows with the square of the rows.
        #if DEBUG || DUKKAN_SANITIZED
        let store = try store(rowCount: 12_000)
        #else
        let store = try store(rowCount: 60_000)
        #endif
        // No row serves the last step, so every start is followed to the end.
        var query = FunnelQuery([step("a"), step("b")])
        query.order = order
        if order == .sequence { query.steps[1].gapMin = 1 }
        if order == .strict { query.holding = .column(ColumnName("session_id")) }
        func run(_ control: WorkControl?) throws {
            _ = try Engine.run(
                .funnel(query), snapshot: try store.core.snapshot(),
                options: EngineOptions(threads: 1, memoryBudgetBytes: 1 << 28) { "\($0)" }, control: control)
        }
        // Builds and machines differ a hundredfold in speed: the deadline is a quarter of what the whole takes here.
        let whole = try ContinuousClock().measure { try run(nil) }
        let began = ContinuousClock.now
        let error = #expect(throws: DukkanError.self) { try run(WorkControl(deadline: .now + whole / 4)) }
        #expect(error?.code == .deadline)
        #expect(ContinuousClock.now - began < whole, "it went on to the customer's end")
    }
}

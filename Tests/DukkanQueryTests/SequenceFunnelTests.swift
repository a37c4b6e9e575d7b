import DukkanFormat
import Testing

@testable import DukkanQuery

@Suite struct SequenceFunnelTests {
    typealias Row = SequenceMorsel.Row

    /// Level counts of one customer's rows (time, mask) in one table.
    private func reached(
        _ rows: [(Int64, UInt32)], steps: Int, window: Int64? = nil, ties: FunnelQuery.Ties = .favourable
    ) throws -> [Int] {
        let plan = try FunnelPlan(stepCount: steps, window: window, ties: ties, asOf: 1_000_000)
        let morsel = SequenceMorsel(tables: [[rows.map { Row(time: $0.0, mask: $0.1) }]])
        return counts(morsel.funnel(plan).result(names: []), "reached")
    }

    private func counts(_ result: QueryResult, _ column: String) -> [Int] {
        guard let at = result.columns.firstIndex(where: { $0.name == column }) else { return [] }
        return result.rows.map { row in
            if case .int(let count) = row[at] { Int(count) } else { -1 }
        }
    }

    @Test func theWindowIsInclusiveAndCountsFromTheFirstStep() throws {
        #expect(try reached([(0, 1), (5, 2), (10, 4)], steps: 3, window: 10) == [1, 1, 1])
        #expect(try reached([(0, 1), (5, 2), (10, 4)], steps: 3, window: 9) == [1, 1, 0])
    }

    @Test func aLaterStartReopensTheWindow() throws {
        #expect(try reached([(0, 1), (8, 1), (10, 2), (15, 4)], steps: 3, window: 7) == [1, 1, 1])
    }

    @Test func aRowServesOneStepOfAChain() throws {
        #expect(try reached([(0, 3)], steps: 2) == [1, 0])
        #expect(try reached([(0, 3), (1, 3)], steps: 2) == [1, 1])
    }

    @Test func tiesResolveInTheFunnelsFavour() throws {
        let rows: [(Int64, UInt32)] = [(0, 2), (0, 1)]
        #expect(try reached(rows, steps: 2) == [1, 1])
        #expect(try reached(rows, steps: 2, ties: .recorded) == [1, 0])
        #expect(try reached([(0, 1), (0, 2)], steps: 2, ties: .recorded) == [1, 1])
        #expect(try reached([(0, 1), (0, 2)], steps: 2, ties: .increasing) == [1, 0])
    }

    @Test func tiedRowsAreAssignedExactly() throws {
        // Steps 1, 2 and 3 want rows {1, 2}, {1} and {2, 3}: one assignment serves all three.
        #expect(try reached([(0, 0b011), (0, 0b001), (0, 0b110)], steps: 3) == [1, 1, 1])
        // Two rows cannot serve three steps.
        #expect(try reached([(0, 0b111), (0, 0b111)], steps: 3) == [1, 1, 0])
    }

    @Test func openCustomersMayStillGoFurther() throws {
        let plan = try FunnelPlan(stepCount: 2, window: 10, asOf: 100)
        let morsel = SequenceMorsel(tables: [
            [[Row(time: 89, mask: 1)], [Row(time: 90, mask: 1)], [Row(time: 91, mask: 1)], [Row(time: 95, mask: 2)]]
        ])
        let result = morsel.funnel(plan).result(names: ["a", "b"])
        #expect(counts(result, "reached") == [3, 0])
        #expect(counts(result, "open") == [1, 0])
        #expect(counts(result, "dropped") == [2, 0])
    }

    @Test func theReportedChainIsTheFirstToReachTheLevelWithItsLatestStart() throws {
        let plan = try FunnelPlan(stepCount: 2, window: nil, asOf: 1_000)
        let morsel = SequenceMorsel(tables: [
            [
                [(0, 1), (3_000_000, 1), (5_000_000, 2), (6_000_000, 1), (6_500_000, 2)].map {
                    Row(time: $0.0, mask: $0.1)
                }
            ]
        ])
        let result = morsel.funnel(plan).result(names: ["a", "b"])
        #expect(result.rows[1][8] == .double(2))
        #expect(result.rows[1][9] == .double(2))
        #expect(result.rows[0][8] == .null)
    }
}

import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery

@Suite struct SequenceRetentionTests {
    private let day = CivilCalendar.microsecondsPerDay

    private func run(_ plan: RetentionPlan, _ customers: [[Int64]], values: [Int64]? = nil) -> QueryResult {
        var starts: [UInt32] = [0]
        for customer in customers { starts.append(starts[starts.count - 1] + UInt32(customer.count)) }
        let accumulator = RetentionAccumulator(plan)
        let times = customers.flatMap { $0 }
        starts.withUnsafeBufferPointer { starts in
            times.withUnsafeBufferPointer { times in
                (values ?? []).withUnsafeBufferPointer { values in
                    guard let starts = starts.baseAddress, let times = times.baseAddress else { return }
                    let rows = RetentionRows(
                        rowStarts: starts, times: times,
                        values: values.baseAddress.map { .integers($0, validity: nil) })
                    accumulator.add(customerCount: customers.count, morsel: 0, start: rows)
                }
            }
        }
        return accumulator.result()
    }

    private func cells(_ result: QueryResult, _ column: Int) -> [Int] {
        result.rows.map { if case .int(let value) = $0[column] { Int(value) } else { -1 } }
    }

    @Test func customersReturnInLaterDaysOnceEach() throws {
        let plan = try RetentionPlan(PeriodRule(.day), periodCount: 3, earliest: 0, asOf: 3 * day)
        let result = run(plan, [[0, 5, day, day + 1, 3 * day], [2, 2 * day], [day], []])
        #expect(result.columns.map(\.name) == ["cohort", "period", "size", "value", "complete"])
        #expect(cells(result, 1) == [0, 1, 2, 0, 1, 2])
        #expect(cells(result, 2) == [2, 2, 2, 1, 1, 1])
        #expect(cells(result, 3) == [2, 1, 1, 1, 0, 0])
        #expect(result.rows.map { $0[4] } == [true, true, true, true, true, false].map { .bool($0) })
        #expect(result.rows[3][0] == .date(CivilDate(days: 1)))
    }

    @Test func periodsThatBeginAfterAsOfAreAbsent() throws {
        let plan = try RetentionPlan(PeriodRule(.day), periodCount: 5, maturedOnly: true, earliest: 0, asOf: day)
        let result = run(plan, [[0], [day]])
        #expect(cells(result, 1) == [0, 1, 0])
        #expect(result.rows.map { $0[3] } == [.int(1), .null, .null])
    }

    @Test func recurringCustomersBelongToEveryPeriodTheyStartIn() throws {
        let plan = try RetentionPlan(
            PeriodRule(.day), periodCount: 3, cohorts: .recurring, earliest: 0, asOf: 2 * day)
        let result = run(plan, [[0, day, 2 * day], [0, 2 * day]])
        #expect(cells(result, 2) == [2, 2, 2, 1, 1, 2])
        #expect(cells(result, 3) == [2, 1, 2, 1, 1, 2])
    }

    @Test func sumsTakeReturnRowsFromTheStartOn() throws {
        let plan = try RetentionPlan(
            PeriodRule(.day), periodCount: 2, measure: .sum(.decimal(scale: 1)), earliest: 0, asOf: day)
        let result = run(plan, [[0, 1, day], [day]], values: [10, 20, 40, 80])
        #expect(result.rows.map { $0[3] } == [30, 40, 80].map { .decimal(DecimalValue(unscaled: $0, scale: 1)) })
    }
}

import DukkanFormat
import DukkanStorage
import DukkanTime
import Testing

@testable import DukkanQuery

/// What must not change an answer, with `as of` fixed: how rows were committed, threads, compaction, what is not asked
/// for, and a shift of all times by whole periods.
@Suite struct InvarianceTests {
    #if DEBUG || DUKKAN_SANITIZED
    private static let worlds = 2
    #else
    private static let worlds = 24
    #endif

    private struct Draw {
        var world: ReferenceWorld
        var statements: [Statement]
    }

    /// A world and queries over it; the same seed with other times gives the same, only shifted.
    private func draw(seed: UInt64, times: [Int64]) -> Draw {
        var generator = OptionGenerator(seed: seed, times: times)
        let world = generator.world(customerCountMax: 20, rowCountMax: 8)
        var options = PairwiseOptions()
        let end = Expression.literal(.timestamp(Timestamp(microseconds: (times.max() ?? 0) - 1)))
        var statements: [Statement] = (0..<24).map { _ in
            var query = generator.funnel(options.next(using: &generator.random))
            // Hours and months are not whole in a week's shift everywhere; time zones change their clocks.
            if case .trends(let period) = query.view { query.view = .trends(period == .month ? .week : period) }
            query.options.timeZone = nil
            query.options.asOf = end
            return .funnel(query)
        }
        for period in [Period.day, .week] {
            for cohorts in [RetentionQuery.Cohorts.firstTime, .recurring] {
                var query = RetentionQuery(
                    of: Step(in: "events", where: generator.filter()),
                    returning: Step(in: "orders", where: generator.filter()), by: period, periods: 6, cohorts: cohorts)
                query.options.asOf = end
                statements.append(.retention(query))
            }
            let step = Step(in: "events", where: generator.filter())
            let options = QueryOptions(asOf: end)
            statements.append(.lifecycle(LifecycleQuery(of: step, by: period, options: options)))
            statements.append(.stickiness(StickinessQuery(of: step, by: period, options: options)))
        }
        statements.append(
            .paths(
                PathQuery(
                    of: Step(in: "events"), on: .column(ColumnName("kind")), depth: 4,
                    options: QueryOptions(asOf: end))))
        return Draw(world: world, statements: statements)
    }

    private func times(from base: Int64, seed: UInt64) -> [Int64] {
        let step: Int64 = [1, 1_200_000_000, 40_000_000_000][Int(seed % 3)]
        return (0..<[8, 30][Int(seed / 3 % 2)]).map { base + Int64($0) * step }
    }

    private func store(_ world: ReferenceWorld, commits: Int, hasMore: Bool = false) throws -> EngineStore {
        let store = try EngineStore()
        var random = SeededGenerator(seed: UInt64(commits))
        try store.fill(world, commits: commits, random: &random, hasMore: hasMore)
        return store
    }

    @Test(arguments: 0..<8)
    func `nothing but the data and the query decides an answer`(part: Int) throws {
        let base = try #require(ISO8601.parseTime("2024-10-21")).microseconds
        for number in 0..<Self.worlds {
            let seed = UInt64(part * 1_000 + number)
            let draw = draw(seed: seed, times: times(from: base, seed: seed))
            let plain = try store(draw.world, commits: 1)
            let answers = try draw.statements.map { try plain.run($0, threads: 1) }
            func check(_ other: EngineStore, threads: Int, _ what: String) throws {
                for (statement, answer) in zip(draw.statements, answers) {
                    let found = try other.run(statement, threads: threads)
                    let difference = ReferenceEvaluator.difference(found, answer)
                    #expect(
                        difference == nil, "seed \(seed), \(what): \(difference ?? "")\n\(statement)\n\(draw.world)")
                }
            }
            for threads in [2, 5] { try check(plain, threads: threads, "\(threads) threads") }
            for commits in [2, 7] {
                let parts = try store(draw.world, commits: commits)
                try check(parts, threads: 2, "\(commits) commits")
                _ = try parts.core.compact()
                try check(parts, threads: 1, "\(commits) commits, compacted")
            }
            try check(
                try store(draw.world, commits: 3, hasMore: true), threads: 2, "a column and a table that nobody asks")
        }
    }

    /// A value moved in time.
    private func moved(_ value: Value, weeks: Int64) -> Value {
        let days = weeks * 7
        switch value {
        case .timestamp(let time):
            return .timestamp(Timestamp(microseconds: time.microseconds + days * CivilCalendar.microsecondsPerDay))
        case .date(let date): return .date(CivilDate(days: date.days + days))
        default: return value
        }
    }

    @Test(arguments: [-57, 1, 520] as [Int64])
    func `a shift by whole weeks moves the labels alone`(weeks: Int64) throws {
        let base = try #require(ISO8601.parseTime("2024-10-21")).microseconds
        for number in 0..<Self.worlds * 2 {
            let seed = UInt64(5_000 + number)
            let here = draw(seed: seed, times: times(from: base, seed: seed))
            let shift = weeks * 7 * CivilCalendar.microsecondsPerDay
            let there = draw(seed: seed, times: times(from: base + shift, seed: seed))
            let (store, other) = (try store(here.world, commits: 2), try store(there.world, commits: 2))
            for (statement, shifted) in zip(here.statements, there.statements) {
                var answer = try store.run(statement, threads: 2)
                answer.rows = answer.rows.map { row in row.map { moved($0, weeks: weeks) } }
                let found = try other.run(shifted, threads: 2)
                let difference = ReferenceEvaluator.difference(found, answer)
                #expect(difference == nil, "seed \(seed): \(difference ?? "")\n\(statement)\n\(here.world)")
            }
        }
    }
}

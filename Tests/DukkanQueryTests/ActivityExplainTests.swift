import DukkanFormat
import Testing

@testable import DukkanQuery

/// What EXPLAIN tells of retention with options, lifecycle, stickiness and paths.
@Suite struct ActivityExplainTests {
    /// Each with two views, a cart, a view and a purchase on one day.
    private static let customers = 3_000

    private let view = Step(in: "events", where: ExplainStore.isKind("view"))
    private let buy = Step(in: "events", where: ExplainStore.isKind("buy"))
    private let kind = Expression.column(ColumnName("kind"))

    @Test(arguments: [1, 2]) func countsAreExact(threads: Int) throws {
        let store = try ExplainStore(customers: Self.customers, commits: 2)
        var retention = RetentionQuery(of: view, returning: buy, by: .day, periods: 3)
        retention.returnCountMin = 2
        retention.isOnOrAfter = true
        retention.split = .init(kind, top: 3)
        retention.start.firstEver = .init(where: ExplainStore.isKind("view"))
        let general = try store.explain(.retention(retention), analyze: true, threads: threads)
        #expect(general.operators.map(\.name) == ["Answer", "Retention", "Match steps", "Scan", "Table"])
        // Of six views the first; two purchases.
        #expect(general.first("Match steps")?.texts("rows of each step") == ["3,000", "6,000"])
        #expect(general.first("Retention")?.count("return rows at least") == 2)
        #expect(general.first("Retention")?.texts("returns") == ["on or after"])
        #expect(general.first("Retention")?.count("top") == 3)

        let queries: [(name: String, query: Statement, answer: Int)] = [
            ("Lifecycle", .lifecycle(LifecycleQuery(of: view, by: .day)), 2),
            ("Stickiness", .stickiness(StickinessQuery(of: view, by: .day)), 2),
        ]
        for (name, query, answer) in queries {
            let plan = try store.explain(query, analyze: true, threads: threads)
            #expect(plan.operators.map(\.name) == ["Answer", name, "Match rows", "Scan", "Table"])
            #expect(plan.first("Match rows")?.work?.rowsIn == Self.customers * 10)
            #expect(plan.first("Match rows")?.work?.rowsOut == Self.customers * 6)
            #expect(plan.first("Match rows")?.texts("columns") == ["events.kind"])
            #expect(plan.first(name)?.work?.rowsIn == Self.customers * 6)
            #expect(plan.root.work?.rowsOut == answer)
        }
        let paths = try store.explain(
            .paths(PathQuery(of: Step(in: "events"), on: kind, depth: 3)), analyze: true, threads: threads)
        #expect(paths.operators.map(\.name) == ["Answer", "Paths", "Match rows", "Scan", "Table"])
        #expect(paths.first("Paths")?.count("depth") == 3)
        #expect(paths.first("Paths")?.texts("split at") == ["30 minutes"])
        #expect(paths.root.work?.rowsOut == 2)
    }

    @Test func aPlainExplainReadsNoRows() throws {
        let store = try ExplainStore(customers: 100)
        var stickiness = StickinessQuery(of: view, by: .day)
        stickiness.periodSpan = 2
        let statements: [Statement] = [
            .lifecycle(LifecycleQuery(of: view, by: .week)), .stickiness(stickiness),
            .paths(PathQuery(of: buy, on: kind, depth: 2)),
        ]
        for statement in statements {
            let plan = try store.explain(statement, analyze: false)
            #expect(plan.analysis == nil)
            #expect(plan.operators.allSatisfy { $0.work == nil })
        }
        #expect(try store.explain(statements[1], analyze: false).first("Stickiness")?.count("passes") == 2)
    }
}

import Dukkan
import Testing

/// `explain` as an application uses it.
struct ExplainTests {
    private let folder = StoreFolder()

    private func filled() throws -> Store {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(1000), to: "orders")
        try store.commit()
        return store
    }

    @Test func `a plan tells the tables, and an analysis what they cost`() async throws {
        let store = try filled()
        let text = "SELECT country, sum(revenue) FROM orders WHERE revenue > 1 GROUP BY country"
        let plan = try await store.explain(text)
        #expect(plan.analysis == nil)
        #expect(plan.lines.contains { $0.contains("Table: orders") })
        let analyzed = try await store.explain(text, analyze: true)
        let analysis = try #require(analyzed.analysis)
        #expect(analysis.rowCount == 2)
        #expect(analysis.cost.bytesRead > 0)
        #expect(analysis.phases.parse > .zero && analysis.phases.total > analysis.phases.run)
        #expect(try await store.query(text).cost == analysis.cost)
        // The same asked in the language, and of a query made in Swift.
        #expect(try await store.query("EXPLAIN ANALYZE \(text)").explanation?.analysis?.cost == analysis.cost)
        #expect(try store.explain(try Statement(text)).root == plan.root)
        #expect(try await store.explain("EXPLAIN \(text)").root == plan.root)
    }

    @Test func `conditions are told as they are written`() throws {
        let store = try filled()
        let plan: Explanation = try store.explain(
            "DECILES OF customers BY sum(orders.revenue) FOR SEGMENT count(orders WHERE country = 'EG') > 2")
        #expect(plan.lines.contains { $0.contains("measure: sum(orders.revenue)") })
        #expect(plan.lines.contains { $0.contains("condition: count(orders WHERE country = 'EG') > 2") })
    }

    @Test func `what is not a query is not explained`() throws {
        let store = try filled()
        #expect {
            let _: Explanation = try store.explain("SHOW TABLES")
        } throws: {
            ($0 as? DukkanError)?.code == .invalidQuery
        }
    }
}

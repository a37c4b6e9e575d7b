import Benchmark
import Dukkan

/// The kinds of questions, over one store.
func workloadBenchmarks() {
    let statements = [
        (
            "funnel",
            "FUNNEL a = events WHERE event = 'view_item', b = events WHERE event = 'add_to_cart', "
                + "c = events WHERE event = 'purchase' WITHIN 7 DAYS"
        ),
        ("retention", "RETENTION OF events RETURNING events BY WEEK FOR 12 PERIODS FIRST TIME"),
        (
            "daily customers",
            "SELECT date_trunc('day', ts), count(DISTINCT customer) FROM events GROUP BY date_trunc('day', ts)"
        ),
        ("two dimensions", "SELECT country, event, count(*), avg(value) FROM events GROUP BY country, event"),
        ("filter", "SELECT count(*), sum(value) FROM events WHERE event = 'purchase' AND country = 'EG'"),
        (
            "segment",
            "SELECT country, count(DISTINCT customer) FROM events WHERE SEGMENT (count(events) >= 10) GROUP BY country"
        ),
        ("deciles", "DECILES OF customers BY sum(events.value)"),
        ("one customer", "SELECT count(*), min(ts) FROM events WHERE customer = 4711"),
    ]
    for (name, text) in statements {
        Benchmark(
            "workload, \(name)",
            configuration: .init(metrics: [.wallClock, .throughput, .bytesRead, .blocksDecoded])
        ) { (benchmark: Benchmark, store: Store) in
            for _ in benchmark.scaledIterations {
                let result = try store.query(text) as QueryResult
                blackHole(result.rows)
                benchmark.measurement(.bytesRead, result.cost.bytesRead)
                benchmark.measurement(.blocksDecoded, result.cost.blocksDecoded)
            }
        } setup: {
            let store = try ScratchStore.make("workload", tables: [ShopColumns.schema])
            try store.append(try ShopColumns(seed: 1).batch())
            try { try store.commit() }()
            return store
        }
    }
}

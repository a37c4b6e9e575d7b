import Benchmark
import Dukkan

/// The kinds of questions, over one store.
func workloadBenchmarks() {
    for (name, text) in MeasuredShop.statements {
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
            let store = try ScratchStore.make("workload", tables: [MeasuredShop.schema])
            try store.append(try MeasuredShop(seed: 1).batch())
            try { try store.commit() }()
            return store
        }
    }
}

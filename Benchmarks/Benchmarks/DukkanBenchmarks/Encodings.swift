import Benchmark
import Dukkan

/// Columns of one shape each: what they take on disk, and how fast a sum reads them.
func encodingBenchmarks() {
    let shapes: [(String, @Sendable (Int, inout Numbers) -> Int)] = [
        ("constant", { _, _ in 42 }),
        ("runs", { row, _ in row / 1000 }),
        ("ascending", { row, _ in row * 3 }),
        ("small", { _, numbers in numbers.below(4096) }),
        ("small with outliers", { row, numbers in row % 997 == 0 ? numbers.below(1 << 40) : numbers.below(4096) }),
        ("few values", { _, numbers in numbers.below(16) * 1_000_003 }),
        ("wide", { _, numbers in numbers.below(1 << 60) }),
    ]
    let rowCount = 200_000
    for (name, value) in shapes {
        Benchmark(
            "encoding, \(name)",
            configuration: .init(metrics: [.wallClock, .throughput, .bytesOnDisk, .bytesRead])
        ) { (benchmark: Benchmark, store: Store) in
            let bytes = try ScratchStore.byteCount(store)
            for _ in benchmark.scaledIterations {
                let result = try store.query("SELECT sum(value), sum(value + 0) FROM rows") as QueryResult
                blackHole(result.rows)
                benchmark.measurement(.bytesRead, result.cost.bytesRead)
                benchmark.measurement(.bytesOnDisk, bytes)
            }
        } setup: {
            let schema = TableSchema(
                "rows",
                columns: [
                    ColumnDefinition("customer_id", .int, role: .customer),
                    ColumnDefinition("ts", .timestamp, role: .time), ColumnDefinition("value", .int),
                ])
            let store = try ScratchStore.make(name, tables: [schema])
            var numbers = Numbers(seed: 7)
            let rows = RowBatchBuilder(schema)
            try rows.append((0..<rowCount).map { $0 / 10 }, to: "customer_id")
            try rows.append((0..<rowCount).map { Timestamp(microseconds: Int64($0) * 1_000_000) }, to: "ts")
            try rows.append((0..<rowCount).map { value($0, &numbers) }, to: "value")
            try store.append(rows)
            let commit: () throws -> Void = { try store.commit() }
            try commit()
            return store
        }
    }
}

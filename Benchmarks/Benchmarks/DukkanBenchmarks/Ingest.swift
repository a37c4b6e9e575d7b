import Benchmark
import Dukkan
import Foundation

/// Ways for rows to get in, up to the durable commit.
func ingestBenchmarks() {
    Benchmark("ingest, columns", configuration: .init(metrics: [.wallClock, .bytesOnDisk])) {
        (benchmark: Benchmark, batch: RowBatchBuilder) in
        for iteration in benchmark.scaledIterations {
            let store = try ScratchStore.make("columns-\(iteration)", tables: [MeasuredShop.schema])
            benchmark.startMeasurement()
            try store.append(batch)
            try { try store.commit() }()
            benchmark.stopMeasurement()
            benchmark.measurement(.bytesOnDisk, try ScratchStore.byteCount(store))
            store.close()
        }
    } setup: {
        try MeasuredShop(seed: 1).batch()
    }

    Benchmark("ingest, CSV", configuration: .init(metrics: [.wallClock, .bytesOnDisk])) {
        (benchmark: Benchmark, path: String) in
        for iteration in benchmark.scaledIterations {
            let store = try ScratchStore.make("csv-\(iteration)", tables: [MeasuredShop.schema])
            benchmark.startMeasurement()
            let report = try { try store.importFiles([path], into: "events") }()
            benchmark.stopMeasurement()
            blackHole(report.rowsImported)
            benchmark.measurement(.bytesOnDisk, try ScratchStore.byteCount(store))
            store.close()
        }
    } setup: {
        let columns = MeasuredShop(seed: 1)
        var text = "customer_id,ts,event,country,value\n"
        for row in 0..<MeasuredShop.rowCount {
            let cents = columns.cents[row]
            let tail = cents % 100 < 10 ? "0\(cents % 100)" : "\(cents % 100)"
            text += "\(columns.customers[row]),\(columns.times[row]),\(columns.events[row]),\(columns.countries[row]),"
            text += "\(cents / 100).\(tail)\n"
        }
        let path = ScratchStore.path("events.csv")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}

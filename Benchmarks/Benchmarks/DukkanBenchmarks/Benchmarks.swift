import Benchmark

extension BenchmarkMetric {
    static let bytesOnDisk = BenchmarkMetric.custom("Bytes on disk", polarity: .prefersSmaller, useScalingFactor: false)
    static let bytesRead = BenchmarkMetric.custom("Bytes read", polarity: .prefersSmaller, useScalingFactor: false)
    static let blocksDecoded = BenchmarkMetric.custom(
        "Blocks decoded", polarity: .prefersSmaller, useScalingFactor: false)
    static let decoded = BenchmarkMetric.custom("Decoded, values/µs", polarity: .prefersLarger, useScalingFactor: false)
    static let copied = BenchmarkMetric.custom("memcpy, values/µs", polarity: .prefersLarger, useScalingFactor: false)
    static let shareOfCopy = BenchmarkMetric.custom(
        "Speed, % of memcpy", polarity: .prefersLarger, useScalingFactor: false)
}

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput, .peakMemoryResident], warmupIterations: 1, maxDuration: .seconds(1),
        maxIterations: 200)
    encodingBenchmarks()
    ingestBenchmarks()
    workloadBenchmarks()
}

/// Mean and median of the time from one step to the next, seconds.
struct GapSummary: Sendable {
    private(set) var mean: Double?
    private(set) var median: Double?

    init(_ parts: [UnsafeBufferPointer<Int64>]) {
        let quantile = ExactQuantile(parts)
        guard quantile.count > 0 else { return }
        mean = Double(quantile.sum) / Double(quantile.count) / 1e6
        median = quantile.interpolated(0.5).map { $0 / 1e6 }
    }
}

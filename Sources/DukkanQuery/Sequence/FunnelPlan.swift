import DukkanFormat

/// What a funnel asks of the kernel, bound to numbers.
package struct FunnelPlan: Sendable {
    /// Steps, 1 to ``FunnelQuery/stepCountMax``.
    package var stepCount: Int
    /// Most microseconds from the first step of a chain to any later one, inclusive; nil: no limit.
    package var window: Int64?
    /// How rows at one time are put in order.
    package var ties: FunnelQuery.Ties
    /// The end of knowledge, microseconds UTC.
    package var asOf: Int64
    /// Under which value of the breakdown a customer stands; nil: there is no breakdown.
    package var attribution: FunnelQuery.Attribution?

    /// - Throws: `invalid_query` when there are no steps, too many, or the window is negative.
    package init(
        stepCount: Int, window: Int64?, ties: FunnelQuery.Ties = .favourable, asOf: Int64,
        attribution: FunnelQuery.Attribution? = nil
    ) throws {
        guard stepCount >= 1, stepCount <= FunnelQuery.stepCountMax else {
            throw DukkanError(
                .invalidQuery, "a funnel has 1 to \(FunnelQuery.stepCountMax) steps, not \(stepCount)")
        }
        if let window, window < 0 {
            throw DukkanError(.invalidQuery, "the window of a funnel cannot be negative")
        }
        switch attribution {
        case .step(let step), .stepFirst(let step):
            guard (0..<stepCount).contains(step) else {
                throw DukkanError(.invalidQuery, "the funnel has no step \(step + 1) to attribute to")
            }
        case .first, .last, .all, nil:
            break
        }
        self.stepCount = stepCount
        self.window = window
        self.ties = ties
        self.asOf = asOf
        self.attribution = attribution
    }

    /// Whether something may still follow a chain that started at `start`.
    @inline(__always)
    func isOpen(start: Int64) -> Bool {
        guard let window else { return true }
        let (end, overflow) = start.addingReportingOverflow(window)
        return overflow || end > asOf
    }

    /// The earliest start whose chain may still take a row at `time`.
    @inline(__always)
    func earliestStart(at time: Int64) -> Int64 {
        guard let window else { return FunnelMachine.none + 1 }
        let (limit, overflow) = time.subtractingReportingOverflow(window)
        return overflow || limit == FunnelMachine.none ? FunnelMachine.none + 1 : limit
    }
}

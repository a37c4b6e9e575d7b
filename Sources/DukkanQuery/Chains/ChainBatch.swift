/// What a funnel with options found for many customers.
struct ChainBatch {
    /// What one customer comes to, in one period.
    struct Entry {
        var customer: UInt32
        /// Number of the breakdown's value.
        var value: UInt32
        var bucket: UInt32
        /// Place of the times of her chain.
        var times: UInt32
        /// Steps reached, from 1.
        var level: UInt8
        var isOpen: Bool
        var isComplete: Bool
    }

    private(set) var entries = GrowableBuffer<Entry>(capacity: 1 << 11)
    private var allTimes = GrowableBuffer<Int64>(capacity: 1 << 12)

    func deallocate() {
        entries.deallocate()
        allTimes.deallocate()
    }

    mutating func removeAll() {
        entries.count = 0
        allTimes.count = 0
    }

    /// Takes a customer who came no further than an entry.
    @inline(__always)
    mutating func append(customer: Int, value: UInt32, bucket: UInt32, time: Int64, isOpen: Bool) {
        entries.append(
            Entry(
                customer: UInt32(truncatingIfNeeded: customer), value: value, bucket: bucket,
                times: UInt32(truncatingIfNeeded: allTimes.count), level: 1, isOpen: isOpen, isComplete: false))
        allTimes.append(time)
    }

    /// Takes a customer with the times of her chain, which has all steps up to its level.
    @inline(__always)
    mutating func append(
        customer: Int, value: UInt32, bucket: UInt32, _ times: UnsafePointer<Int64>, level: Int, isOpen: Bool,
        isComplete: Bool
    ) {
        entries.append(
            Entry(
                customer: UInt32(truncatingIfNeeded: customer), value: value, bucket: bucket,
                times: UInt32(truncatingIfNeeded: allTimes.count), level: UInt8(truncatingIfNeeded: level),
                isOpen: isOpen && !isComplete, isComplete: isComplete))
        allTimes.reserve(allTimes.count &+ level)
        FunnelMachine.copy(times, level, to: allTimes.base + allTimes.count)
        allTimes.count &+= level
    }

    /// The times of an entry's chain, as many as its level.
    @inline(__always)
    func times(_ entry: Entry) -> UnsafePointer<Int64> { UnsafePointer(allTimes.base + Int(entry.times)) }

    /// Calls with each as an outcome, which is borrowed for the call.
    func forEach(_ body: (_ customer: Int, _ outcome: ChainOutcome) throws -> Void) rethrows {
        for at in 0..<entries.count {
            let entry = entries.base[at]
            var outcome = ChainOutcome()
            outcome.value = entry.value
            outcome.bucket = entry.bucket
            outcome.level = Int(entry.level)
            outcome.steps = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(entry.level)) - 1)
            outcome.isOpen = entry.isOpen
            outcome.isComplete = entry.isComplete
            outcome.times = times(entry)
            try body(Int(entry.customer), outcome)
        }
    }
}

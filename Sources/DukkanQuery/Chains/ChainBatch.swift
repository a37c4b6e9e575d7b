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

    /// Times copied at once.
    static let timesAtOnce = SIMD4<Int64>.scalarCount

    /// Takes times of chains; returns their place.
    ///
    /// - Parameter times: have room for ``timesAtOnce`` more.
    @inline(__always)
    mutating func append(_ times: GrowableBuffer<Int64>) -> UInt32 {
        let place = allTimes.count
        allTimes.reserve(place &+ times.count &+ ChainBatch.timesAtOnce)
        let from = UnsafeRawPointer(times.base), to = UnsafeMutableRawPointer(allTimes.base + place)
        var done = 0
        while done < times.count {
            let offset = done &* MemoryLayout<Int64>.stride
            to.storeBytes(
                of: from.loadUnaligned(fromByteOffset: offset, as: SIMD4<Int64>.self), toByteOffset: offset,
                as: SIMD4<Int64>.self)
            done &+= ChainBatch.timesAtOnce
        }
        allTimes.count = place &+ times.count
        return UInt32(truncatingIfNeeded: place)
    }

    /// Makes room for entries.
    @inline(__always)
    mutating func reserve(_ count: Int) { entries.reserve(entries.count &+ count) }

    /// Takes an entry for which there is room.
    ///
    /// - Parameter isKept: else it is left out, which cannot be foreseen: so it is no branch.
    @inline(__always)
    mutating func append(_ entry: Entry, isKept: Bool) {
        entries.base[entries.count] = entry
        entries.count &+= isKept ? 1 : 0
    }

    /// The times of all chains, one chain behind the other.
    var stepTimes: UnsafePointer<Int64> { UnsafePointer(allTimes.base) }

    /// The times of an entry's chain, as many as its level.
    @inline(__always)
    func times(_ entry: Entry) -> UnsafePointer<Int64> { stepTimes + Int(entry.times) }

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

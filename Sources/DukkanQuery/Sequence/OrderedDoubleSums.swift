import DukkanFormat

/// Sums of doubles in many cells that come out the same however morsels were spread over workers: each morsel's sums
/// are kept apart and added up in the order of morsels.
///
/// All sums are compensated (Neumaier).
struct OrderedDoubleSums {
    private struct Partial {
        var cell: Int
        var morsel: Int
        var sum: CompensatedSum
    }

    private var current: UnsafeMutablePointer<CompensatedSum>
    private var isTouched: UnsafeMutablePointer<Bool>
    private var capacity: Int
    private var touched: [Int] = []
    private var partials: [Partial] = []

    init(count: Int) {
        capacity = count
        current = .allocate(capacity: count)
        current.initialize(repeating: CompensatedSum(), count: count)
        isTouched = .allocate(capacity: count)
        isTouched.initialize(repeating: false, count: count)
    }

    func deallocate() {
        current.deallocate()
        isTouched.deallocate()
    }

    /// Makes room for so many cells and keeps those held.
    mutating func reserve(_ count: Int) {
        guard count > capacity else { return }
        let grown = max(count, capacity * 2)
        let sums = UnsafeMutablePointer<CompensatedSum>.allocate(capacity: grown)
        sums.initialize(repeating: CompensatedSum(), count: grown)
        sums.update(from: current, count: capacity)
        let flags = UnsafeMutablePointer<Bool>.allocate(capacity: grown)
        flags.initialize(repeating: false, count: grown)
        flags.update(from: isTouched, count: capacity)
        deallocate()
        (current, isTouched, capacity) = (sums, flags, grown)
    }

    @inline(__always)
    mutating func add(_ value: Double, _ cell: Int) {
        if !isTouched[cell] {
            isTouched[cell] = true
            touched.append(cell)
        }
        current[cell].add(value)
    }

    mutating func endMorsel(_ morsel: Int) {
        for cell in touched {
            partials.append(Partial(cell: cell, morsel: morsel, sum: current[cell]))
            current[cell] = CompensatedSum()
            isTouched[cell] = false
        }
        touched.removeAll(keepingCapacity: true)
    }

    mutating func merge(_ other: OrderedDoubleSums) {
        partials.append(contentsOf: other.partials)
    }

    /// The same where the other's cells have other places here.
    mutating func merge(_ other: OrderedDoubleSums, place: (Int) -> Int) {
        for var partial in other.partials {
            partial.cell = place(partial.cell)
            partials.append(partial)
        }
    }

    /// The total of each cell that has any value.
    func totals() -> [Int: Double] {
        var totals = [Int: CompensatedSum]()
        for partial in partials.inOrder(by: { ($0.cell, $0.morsel) < ($1.cell, $1.morsel) }) {
            totals[partial.cell, default: CompensatedSum()].add(partial.sum)
        }
        return totals.mapValues(\.value)
    }
}

/// A sum of doubles with the rounding errors kept aside and added at the end (Neumaier 1974).
struct CompensatedSum: Sendable {
    private var sum = 0.0
    private var errors = 0.0

    @inline(__always)
    mutating func add(_ value: Double) {
        let total = sum + value
        errors += abs(sum) >= abs(value) ? (sum - total) + value : (value - total) + sum
        sum = total
    }

    mutating func add(_ other: CompensatedSum) {
        add(other.sum)
        add(other.errors)
    }

    /// The sum.
    ///
    /// Infinities and not-a-number make the errors meaningless and stand for themselves.
    var value: Double { sum.isFinite ? sum + errors : sum }
}

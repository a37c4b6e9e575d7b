/// Assigns the rows of one tie group to consecutive steps, each row to one step at most: bipartite matching by
/// augmenting paths, one step after the other.
struct TieMatching {
    private var masks = GrowableBuffer<UInt32>()
    /// The step that each row serves, -1 for none.
    private var owners = GrowableBuffer<Int32>()
    /// The search that last looked at each row.
    private var visits = GrowableBuffer<UInt32>()
    private var search: UInt32 = 0

    func deallocate() {
        masks.deallocate()
        owners.deallocate()
        visits.deallocate()
    }

    /// Takes the group's masks.
    ///
    /// A row is kept only while one of its steps has fewer than `stepCount` rows: a step with that many always finds
    /// one that no other step took. So at most stepCount² rows are kept, whatever the group.
    mutating func load(_ rows: UnsafePointer<UInt32>, _ count: Int, stepCount: Int) {
        masks.count = 0
        withUnsafeTemporaryAllocation(of: Int.self, capacity: stepCount) { kept in
            kept.initialize(repeating: 0)
            for row in 0..<count {
                var bits = rows[row]
                var isWanted = false
                while bits != 0 {
                    let step = bits.trailingZeroBitCount
                    bits &= bits &- 1
                    if kept[step] < stepCount {
                        kept[step] += 1
                        isWanted = true
                    }
                }
                if isWanted { masks.append(rows[row]) }
            }
        }
        owners.reserve(masks.count)
        visits.reserve(masks.count)
        visits.base.update(repeating: 0, count: masks.count)
        search = 0
    }

    /// Forgets all assignments.
    mutating func begin() {
        owners.base.update(repeating: -1, count: masks.count)
    }

    /// Finds a row for one more step, moving rows between the steps assigned so far where needed; false if there is no
    /// assignment that serves them all.
    mutating func assign(_ step: Int) -> Bool {
        search &+= 1
        return augment(step)
    }

    private func augment(_ step: Int) -> Bool {
        let bit: UInt32 = 1 << UInt32(step)
        for row in 0..<masks.count where masks.base[row] & bit != 0 && visits.base[row] != search {
            visits.base[row] = search
            let owner = owners.base[row]
            if owner < 0 || augment(Int(owner)) {
                owners.base[row] = Int32(step)
                return true
            }
        }
        return false
    }
}

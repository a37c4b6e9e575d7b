import DukkanStorage

extension WorkMeter {
    /// Counts the rows that match any step, and each step, from the steps' masks.
    ///
    /// The time goes to a stage of its own: it is what measuring costs, not the query.
    func countSteps(_ masks: UnsafePointer<UInt8>, _ count: Int, steps: Int) {
        let stage = enter(.counting)
        defer { enter(stage) }
        for step in 0..<steps { tally(step, countMasks(masks, count, of: 1 << UInt8(step))) }
        noteSteps(matched: countMasks(masks, count, of: .max), of: count)
    }

    /// The same for more than eight steps.
    func countSteps(_ masks: UnsafePointer<UInt32>, _ count: Int, steps: Int) {
        let stage = enter(.counting)
        defer { enter(stage) }
        for step in 0..<steps {
            var found = 0
            for row in 0..<count { found &+= Int((masks[row] &>> UInt32(step)) & 1) }
            tally(step, found)
        }
        var matched = 0
        for row in 0..<count { matched &+= masks[row] == 0 ? 0 : 1 }
        noteSteps(matched: matched, of: count)
    }

    /// The same where every row matches every step.
    func countAllRows(_ count: Int, steps: Int) {
        for step in 0..<steps { tally(step, count) }
        noteSteps(matched: count, of: count)
    }

    private func noteSteps(matched: Int, of count: Int) {
        self.count(.steps, in: count, out: matched)
        self.count(.sequence, in: matched, out: 0)
    }
}

/// How many masks have one of some bits: eight at a time, in the lanes of a word.
private func countMasks(_ masks: UnsafePointer<UInt8>, _ count: Int, of bits: UInt8) -> Int {
    let each: UInt64 = 0x0101_0101_0101_0101, high = each &<< 7
    let wanted = each &* UInt64(bits)
    let words = UnsafeRawPointer(masks)
    var found = 0
    var row = 0
    while row &+ 8 <= count {
        // A lane holds at most 255.
        let end = min(row &+ 8 &* 255, count &- 7)
        var lanes: UInt64 = 0
        while row < end {
            let word = words.loadUnaligned(fromByteOffset: row, as: UInt64.self) & wanted
            // The highest bit of each lane that is not zero, and then its lowest.
            lanes &+= ((((word & ~high) &+ ~high) | word) & high) &>> 7
            row &+= 8
        }
        let pairs = (lanes & 0x00FF_00FF_00FF_00FF) &+ ((lanes &>> 8) & 0x00FF_00FF_00FF_00FF)
        found &+= Int((pairs &* 0x0001_0001_0001_0001) &>> 48)
    }
    while row < count {
        found &+= masks[row] & bits == 0 ? 0 : 1
        row &+= 1
    }
    return found
}

/// A customer whose rows come piece by piece: no more is kept of them than a funnel needs.
struct CarriedCustomer {
    /// Her rows that match a step.
    var stream = CustomerStream(hasValues: false)
    /// The slot of the value that she stands under, as far as her rows tell.
    var slot: UInt32 = 0
    /// Whether that is final.
    var isSlotFound = false

    func deallocate() {
        stream.deallocate()
    }

    mutating func begin() {
        stream.removeAll()
        slot = 0
        isSlotFound = false
    }

    /// Takes more of her rows, which lie behind those taken before.
    mutating func append(_ table: SequenceRows, _ rows: Range<Int>, _ attribution: FunnelQuery.Attribution?) {
        stream.append(table, rows)
        guard let attribution, let values = table.values, !isSlotFound else { return }
        switch table.masks {
        case .bytes(let masks): note(rows, masks, values, attribution)
        case .words(let masks): note(rows, masks, values, attribution)
        }
    }

    private mutating func note<Mask: FixedWidthInteger & UnsignedInteger>(
        _ rows: Range<Int>, _ masks: UnsafePointer<Mask>, _ values: UnsafePointer<UInt32>,
        _ attribution: FunnelQuery.Attribution
    ) {
        switch attribution {
        case .first:
            guard let row = rows.first(where: { masks[$0] != 0 && values[$0] != SequenceRows.nullCode }) else { return }
            (slot, isSlotFound) = (values[row] &+ 1, true)
        case .last:
            let row = rows.reversed().first { masks[$0] != 0 && values[$0] != SequenceRows.nullCode }
            if let row { slot = values[row] &+ 1 }
        case .stepFirst(let step):
            let bit: Mask = 1 &<< Mask(truncatingIfNeeded: step)
            guard let row = rows.first(where: { masks[$0] & bit != 0 }) else { return }
            // The code of no value gives the slot of none.
            (slot, isSlotFound) = (values[row] &+ 1, true)
        case .step, .all: preconditionFailure("customers under several values do not come in pieces")
        }
    }
}

extension FunnelAccumulator {
    /// Whether customers may come in pieces: not where one stands under several values.
    static func takesPieces(_ attribution: FunnelQuery.Attribution?) -> Bool {
        switch attribution {
        case .step, .all: false
        case .first, .last, .stepFirst, nil: true
        }
    }

    /// Takes a piece of a morsel of one table.
    ///
    /// - Parameters:
    ///   - customerCount: customers of the piece.
    ///   - table: their rows.
    ///   - continues: whether the first one is the last one of the piece before.
    ///   - isLast: whether no piece follows.
    func addPiece(customerCount: Int, table: SequenceRows, continues: Bool, isLast: Bool) {
        guard customerCount > 0 else {
            if isLast { noteCarried() }
            return
        }
        func rows(_ customer: Int) -> Range<Int> {
            Int(table.rowStarts[customer])..<Int(table.rowStarts[customer + 1])
        }
        // Whoever was carried here and has no rows in this piece has none in later ones either.
        if continues { carried.append(table, rows(0), plan.attribution) }
        if !continues || customerCount > 1 || isLast { noteCarried() }
        let first = continues ? 1 : 0, end = isLast ? customerCount : customerCount - 1
        if first < end {
            var whole = table
            whole.rowStarts = table.rowStarts + first
            whole.firstRowBits = nil
            scanAndNote(whole, end - first, slots: nil)
        }
        if !isLast, customerCount > first { carried.append(table, rows(customerCount - 1), plan.attribution) }
    }

    /// Counts the carried customer, whose rows are all there.
    private func noteCarried() {
        defer { carried.begin() }
        guard carried.stream.count > 0 else { return }
        machine.run(carried.stream.times.base, carried.stream.masks.base, count: carried.stream.count)
        let level = machine.level
        guard level >= leastLevel else { return }
        note(carried.slot, level, latestStart: machine.latestStart, machine.reported)
    }
}

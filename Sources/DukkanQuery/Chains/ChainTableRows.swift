import CDukkanKernels
import DukkanFormat
import DukkanStorage

/// The rows of one table that a funnel with options looks at, close together, for a whole morsel; reused from morsel to
/// morsel.
final class ChainTableRows {
    /// First row of each customer among those kept.
    private(set) var starts = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private(set) var times = GrowableBuffer<Int64>(capacity: 1 << 12)
    private(set) var masks = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private(set) var values = GrowableBuffer<UInt32>(capacity: 16)
    private(set) var keys = GrowableBuffer<Int64>(capacity: 16)
    private(set) var units = GrowableBuffer<Int64>(capacity: 16)
    private(set) var sources = GrowableBuffer<UInt32>(capacity: 16)
    private var bits = GrowableBuffer<UInt64>(capacity: 1 << 10)
    private var before = GrowableBuffer<UInt32>(capacity: 1 << 10)
    private var bytes = GrowableBuffer<UInt8>(capacity: 1 << 12)
    private var words = GrowableBuffer<UInt32>(capacity: 16)
    private var keptBytes = GrowableBuffer<UInt8>(capacity: 16)
    /// The masks as bytes, with room for some more behind them; nil where they do not fit.
    private(set) var narrowMasks: UnsafePointer<UInt8>?
    private var firstEver = GrowableBuffer<UInt32>(capacity: 16)
    private var numbers = GrowableBuffer<UInt32>(capacity: 16)
    private var wide = GrowableBuffer<Int64>(capacity: 16)
    private var sessions = GrowableBuffer<Int64>(capacity: 16)
    private let table: ChainProgram.Table
    private let rules: ChainRules
    /// Whether codes of text are compared as they are: nothing else has codes of other dictionaries.
    private let isAlone: Bool
    private let countsSessions: Bool
    private let usesValues: Bool
    private let usesKeys: Bool
    private let measures: Bool

    init(_ program: ChainProgram, _ table: ChainProgram.Table) {
        self.table = table
        rules = program.rules
        isAlone = program.stepTables.count == 1
        if case .sessions = program.query.unit { countsSessions = true } else { countsSessions = false }
        let query = program.query
        usesValues = query.breakdown != nil
        usesKeys = query.holding != nil || query.session != nil
        measures = query.measure != nil
    }

    deinit {
        for buffer in [times, keys, units, wide, sessions] { buffer.deallocate() }
        for buffer in [starts, masks, values, sources, before, words, firstEver, numbers] { buffer.deallocate() }
        for buffer in [bytes, keptBytes] { buffer.deallocate() }
        bits.deallocate()
    }

    /// One thread's memory of the numbers of values.
    struct Numbers {
        var values: ValueNumbering.Cache
        var keys: ValueNumbering.Cache
        var sessions: ValueNumbering.Cache
        var units: ValueNumbering.Cache
        let pairs = ChainPairNumbers()
    }

    /// Takes the rows of the loaded morsel.
    func load(_ frame: MorselFrame, _ numbers: Numbers, stepCount: Int) throws {
        let rows = try frame.rows(table.place)
        let customerCount = frame.worker.customerCount
        starts.reserve(customerCount + 1)
        narrowMasks = nil
        guard let rowStarts = frame.starts(table.place) else {
            starts.base.update(repeating: 0, count: customerCount + 1)
            return
        }
        let count = rows.count
        bits.reserve(count / 64 + 2)
        before.reserve(count / 64 + 2)
        let isNarrow =
            rules.presence == 0 && table.firstEver == nil && (rules.steps | rules.excluding) & ~0xFF == 0
        let kept: Int
        if isNarrow {
            bytes.reserve(count + 64)
            try table.masks.fill(rows, frame.evaluator, into: bytes.base)
            frame.meter?.countSteps(bytes.base, count, steps: stepCount)
            try clearNulls(bytes.base, rows, frame)
            kept = dukkan_matching_bytes(bytes.base, count, bits.base)
        } else {
            words.reserve(count + 64)
            try fillWords(rows, rowStarts, frame)
            frame.meter?.countSteps(words.base, count, steps: stepCount)
            try clearNulls(words.base, rows, frame)
            kept = dukkan_matching_words(words.base, count, bits.base)
        }
        dukkan_ranks(bits.base, count, rowStarts, customerCount + 1, before.base, starts.base)
        keepMasks(count, kept, isNarrow: isNarrow)
        try keepColumns(rows, count, kept, frame, numbers)
    }

    // MARK: Masks

    private func fillWords(_ rows: ExpressionRows, _ rowStarts: UnsafePointer<UInt32>, _ frame: MorselFrame) throws {
        let words = words.base
        try table.masks.fill(rows, frame.evaluator, into: words)
        if let base = table.firstEver { try keepFirstEver(base, rows, rowStarts, frame) }
        guard rules.presence != 0, table.hasSteps else { return }
        guard let presence = table.presence else {
            for row in 0..<rows.count { words[row] |= rules.presence }
            return
        }
        let existing = frame.evaluator.scratchBits()
        try frame.evaluator.select(presence, rows, into: existing)
        let existingWords = existing.words
        for row in 0..<rows.count where existingWords[row &>> 6] &>> UInt64(row & 63) & 1 != 0 {
            words[row] |= rules.presence
        }
    }

    /// Clears a step of all rows but the customer's first that meets it, whatever the query's limits say of that one.
    private func keepFirstEver(
        _ base: StepMasks, _ rows: ExpressionRows, _ rowStarts: UnsafePointer<UInt32>, _ frame: MorselFrame
    ) throws {
        firstEver.reserve(rows.count + 64)
        try base.fill(rows, frame.evaluator, into: firstEver.base)
        let words = words.base, firstEver = firstEver.base
        for customer in 0..<frame.worker.customerCount {
            var wanted = table.firstEverSteps
            for row in Int(rowStarts[customer])..<Int(rowStarts[customer + 1]) {
                let first = firstEver[row] & wanted
                words[row] &= ~table.firstEverSteps | first
                wanted &= ~first
            }
        }
    }

    /// Rows without the value that a chain's rows have in common are no step; those without a unit are nothing.
    private func clearNulls<Mask: FixedWidthInteger & UnsignedInteger>(
        _ masks: UnsafeMutablePointer<Mask>, _ rows: ExpressionRows, _ frame: MorselFrame
    ) throws {
        let others = ~Mask(truncatingIfNeeded: rules.steps)
        if let holding = table.holding { try clearNulls(masks, rows, frame, holding, keeping: others) }
        if let session = table.session { try clearNulls(masks, rows, frame, session, keeping: others) }
        guard countsSessions else { return }
        if let unit = table.unit {
            try clearNulls(masks, rows, frame, unit, keeping: 0)
        } else {
            masks.update(repeating: 0, count: rows.count)
        }
    }

    @inline(__always)
    private func clearNulls<Mask: FixedWidthInteger & UnsignedInteger>(
        _ masks: UnsafeMutablePointer<Mask>, _ rows: ExpressionRows, _ frame: MorselFrame, _ value: BoundExpression,
        keeping kept: Mask
    ) throws {
        let vector = try frame.evaluator.vector(value, rows)
        guard vector.hasNulls else { return }
        let isValid = RowValidity(vector)
        for row in 0..<rows.count where !isValid[row] { masks[row] &= kept }
    }

    private func keepMasks(_ count: Int, _ kept: Int, isNarrow: Bool) {
        // The kernels write whole vectors.
        masks.reserve(kept + 64)
        if isNarrow {
            keptBytes.reserve(kept + 64)
            _ = dukkan_compact_8(bytes.base, bits.base, count, keptBytes.base)
            narrowMasks = UnsafePointer(keptBytes.base)
            let from = keptBytes.base, to = masks.base
            for row in 0..<kept { to[row] = UInt32(truncatingIfNeeded: from[row]) }
        } else {
            _ = dukkan_compress_codes(words.base, bits.base, count, masks.base)
        }
    }

    // MARK: Columns

    private func keepColumns(
        _ rows: ExpressionRows, _ count: Int, _ kept: Int, _ frame: MorselFrame, _ numbers: Numbers
    ) throws {
        let capacity = kept + 64
        times.reserve(capacity)
        _ = dukkan_compress_integers(rows.columns[table.timeSlot].integers, bits.base, count, times.base)
        if let breakdown = table.breakdown {
            self.numbers.reserve(count + 64)
            values.reserve(capacity)
            try numbers.values.fill(
                try frame.evaluator.vector(breakdown, rows), breakdown.type, into: self.numbers.base)
            _ = dukkan_compress_codes(self.numbers.base, bits.base, count, values.base)
        } else if usesValues {
            values.reserve(capacity)
            values.base.update(repeating: SequenceRows.nullCode, count: kept)
        }
        if let holding = table.holding {
            try keep(holding, rows, frame, numbers.keys, keepsCodes: isAlone, into: &keys, capacity)
        }
        if let session = table.session {
            try keep(session, rows, frame, numbers.sessions, keepsCodes: isAlone, into: &sessions, capacity)
            if table.holding == nil { swap(&keys, &sessions) } else { pair(kept, numbers.pairs) }
        }
        if usesKeys && table.holding == nil && table.session == nil {
            keys.reserve(capacity)
            keys.base.update(repeating: 0, count: kept)
        }
        if let unit = table.unit {
            units.reserve(capacity)
            // Units are shown, so their numbers must mean the same in all morsels.
            try keep(unit, rows, frame, numbers.units, keepsCodes: false, into: &units, capacity)
        } else if countsSessions {
            units.reserve(capacity)
        }
        guard measures else { return }
        sources.reserve(capacity)
        if table.measure != nil {
            _ = dukkan_bit_places(bits.base, (count + 63) / 64, sources.base)
        } else {
            sources.base.update(repeating: ChainOutcome.noRow, count: kept)
        }
    }

    private func keep(
        _ value: BoundExpression, _ rows: ExpressionRows, _ frame: MorselFrame, _ cache: ValueNumbering.Cache,
        keepsCodes: Bool, into kept: inout GrowableBuffer<Int64>, _ capacity: Int
    ) throws {
        let vector = try frame.evaluator.vector(value, rows)
        kept.reserve(capacity)
        if vector.kind == .integers {
            _ = dukkan_compress_integers(vector.integers, bits.base, rows.count, kept.base)
            return
        }
        let count = rows.count
        wide.reserve(count + 64)
        let wide = wide.base
        if keepsCodes && vector.kind == .codes {
            let codes = vector.codes
            for row in 0..<count { wide[row] = Int64(codes[row]) }
        } else {
            numbers.reserve(count + 64)
            let numbers = numbers.base
            try cache.fill(vector, value.type, into: numbers)
            for row in 0..<count { wide[row] = Int64(numbers[row]) }
        }
        _ = dukkan_compress_integers(wide, bits.base, count, kept.base)
    }

    /// Numbers pairs of the two values that a chain's rows have in common.
    private func pair(_ count: Int, _ pairs: ChainPairNumbers) {
        let keys = keys.base, sessions = sessions.base
        for row in 0..<count { keys[row] = pairs.number(keys[row], sessions[row]) }
    }
}

/// Numbers of pairs of values, alike for all tables of a morsel.
final class ChainPairNumbers {
    private struct Pair: Hashable {
        var key: Int64
        var session: Int64
    }

    private var known = [Pair: Int64]()

    func number(_ key: Int64, _ session: Int64) -> Int64 {
        let pair = Pair(key: key, session: session)
        if let number = known[pair] { return number }
        let number = Int64(known.count)
        known[pair] = number
        return number
    }

    func removeAll() { known.removeAll(keepingCapacity: true) }
}

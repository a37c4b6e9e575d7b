import DukkanFormat

/// `count(DISTINCT x)`: a set of (group, value).
final class DistinctState: AggregateState {
    private struct Entry: Hashable {
        var group: UInt32
        var word: Int64
    }

    private var entries: Set<Entry> = []
    private var counts: [Int64] = []
    private var interner = StringInterner()
    private var codeMap: (StringDictionary, [UInt32])?

    func reserve(_ count: Int) {
        if counts.count < count { counts.append(contentsOf: repeatElement(0, count: count - counts.count)) }
    }

    var byteCount: Int { entries.capacity * 24 + counts.count * 8 }

    func update(_ batch: AggregateBatch) {
        guard let argument = batch.argument else { return }
        let dictionary = argument.dictionary ?? .empty
        if argument.kind == .codes, codeMap?.0 !== dictionary {
            codeMap = (dictionary, [UInt32](repeating: .max, count: dictionary.count))
        }
        let isValid = RowValidity(argument)
        batch.selection.forEach(batch.rowCount) { row in
            guard isValid[row] else { return }
            let word: Int64
            switch argument.kind {
            case .integers: word = argument.integers[row]
            case .doubles: word = GroupNumbers.word(argument.doubles[row])
            case .codes:
                let code = Int(argument.codes[row])
                if let known = codeMap?.1[code], known != .max {
                    word = Int64(known)
                } else {
                    let interned = interner.code(of: dictionary.string(code))
                    codeMap?.1[code] = interned
                    word = Int64(interned)
                }
            }
            insert(Entry(group: batch.groups?[row] ?? 0, word: word))
        }
    }

    private func insert(_ entry: Entry) {
        if entries.insert(entry).inserted { counts[Int(entry.group)] += 1 }
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? DistinctState else { return }
        let strings = other.interner.dictionary()
        let isString = strings.count > 0
        let words = isString ? (0..<strings.count).map { Int64(interner.code(of: strings.string($0))) } : []
        for entry in other.entries {
            insert(Entry(group: map[Int(entry.group)], word: isString ? words[Int(entry.word)] : entry.word))
        }
    }

    func value(_ group: Int) -> Value { .int(Int128(counts[group])) }
}

/// `median` and `quantile`: all values, linearly interpolated between the two nearest ranks.
final class QuantileState: AggregateState {
    private let fraction: Double
    private let scale: Int
    private var groups: [UInt32] = []
    private var values: [Double] = []
    private var sorted: [Int: ArraySlice<Double>]?

    init(_ fraction: Double, scale: Int) {
        self.fraction = fraction
        self.scale = scale
    }

    func reserve(_ count: Int) {}

    var byteCount: Int { values.capacity * 12 }

    func update(_ batch: AggregateBatch) {
        guard let argument = batch.argument else { return }
        let divisor = Double(powersOfTen[scale])
        let isValid = RowValidity(argument)
        batch.selection.forEach(batch.rowCount) { row in
            guard isValid[row] else { return }
            groups.append(batch.groups?[row] ?? 0)
            values.append(
                argument.kind == .doubles ? argument.doubles[row] : Double(argument.integers[row]) / divisor)
        }
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? QuantileState else { return }
        groups.append(contentsOf: other.groups.map { map[Int($0)] })
        values.append(contentsOf: other.values)
    }

    func value(_ group: Int) -> Value {
        if sorted == nil { sort() }
        guard let own = sorted?[group], !own.isEmpty else { return .null }
        let rank = fraction * Double(own.count - 1)
        let low = Int(rank.rounded(.down)), high = Int(rank.rounded(.up))
        let (a, b) = (own[own.startIndex + low], own[own.startIndex + high])
        return .double(low == high ? a : a + (b - a) * (rank - Double(low)))
    }

    private func sort() {
        let order = values.indices.sorted {
            if groups[$0] != groups[$1] { return groups[$0] < groups[$1] }
            // NaN behind all numbers.
            return values[$1].isNaN ? !values[$0].isNaN : values[$0] < values[$1]
        }
        let ordered = order.map { values[$0] }
        var ranges = [Int: ArraySlice<Double>]()
        var start = 0
        while start < order.count {
            let group = groups[order[start]]
            var end = start
            while end < order.count, groups[order[end]] == group { end += 1 }
            ranges[Int(group)] = ordered[start..<end]
            start = end
        }
        sorted = ranges
    }
}

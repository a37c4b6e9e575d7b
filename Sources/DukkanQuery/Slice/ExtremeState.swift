import DukkanFormat

/// `min` and `max` of whole numbers, decimals and times.
final class IntegerExtremeState: AggregateState {
    private let type: ScalarType
    private let isMaximum: Bool
    private var best = GroupArray<Int64>(0)
    private var isSet = GroupArray<Bool>(false)

    init(_ type: ScalarType, isMaximum: Bool) {
        self.type = type
        self.isMaximum = isMaximum
    }

    deinit {
        best.deallocate()
        isSet.deallocate()
    }

    func reserve(_ count: Int) {
        best.reserve(count)
        isSet.reserve(count)
    }

    var byteCount: Int { best.count * 9 }

    func update(_ batch: AggregateBatch) {
        guard let argument = batch.argument else { return }
        let values = UnsafePointer(argument.integers)
        let best = self.best.pointer, isSet = self.isSet.pointer
        if batch.groups == nil, case .all = batch.selection, !argument.hasNulls, batch.rowCount > 0 {
            var least = values[0], most = values[0]
            for row in 0..<batch.rowCount {
                least = min(least, values[row])
                most = max(most, values[row])
            }
            take(isMaximum ? most : least, 0)
            return
        }
        let isMaximum = self.isMaximum
        let isValid = RowValidity(argument)
        batch.selection.forEach(batch.rowCount) { row in
            guard isValid[row] else { return }
            let group = batch.groups.map { Int($0[row]) } ?? 0
            let value = values[row]
            if !isSet[group] || (isMaximum ? value > best[group] : value < best[group]) {
                best[group] = value
                isSet[group] = true
            }
        }
    }

    private func take(_ value: Int64, _ group: Int) {
        if !isSet.pointer[group] || (isMaximum ? value > best.pointer[group] : value < best.pointer[group]) {
            best.pointer[group] = value
            isSet.pointer[group] = true
        }
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? IntegerExtremeState else { return }
        for (g, target) in map.enumerated() where other.isSet.pointer[g] { take(other.best.pointer[g], Int(target)) }
    }

    func value(_ group: Int) throws -> Value {
        isSet.pointer[group] ? try ScalarEvaluator.value(Int128(best.pointer[group]), type) : .null
    }
}

/// `min` and `max` of doubles and strings.
///
/// NaN is greater than every number.
final class ValueExtremeState: AggregateState {
    private let type: ScalarType
    private let isMaximum: Bool
    private var best: [Value] = []

    init(_ type: ScalarType, isMaximum: Bool) {
        self.type = type
        self.isMaximum = isMaximum
    }

    func reserve(_ count: Int) {
        if best.count < count { best.append(contentsOf: repeatElement(.null, count: count - best.count)) }
    }

    var byteCount: Int { best.count * 48 }

    func update(_ batch: AggregateBatch) {
        guard let argument = batch.argument else { return }
        // Strings: the best code of each group first, by the dictionary's order where it has one.
        let isSorted = argument.dictionary?.isSorted ?? false
        if argument.kind == .codes, isSorted, let dictionary = argument.dictionary {
            var codes = [Int: UInt32]()
            let isMaximum = self.isMaximum
            let isValid = RowValidity(argument), rowCodes = argument.codes
            batch.selection.forEach(batch.rowCount) { row in
                guard isValid[row] else { return }
                let group = batch.groups.map { Int($0[row]) } ?? 0
                let code = rowCodes[row]
                if let known = codes[group], isMaximum ? known >= code : known <= code { return }
                codes[group] = code
            }
            for (group, code) in codes { take(.string(dictionary.string(Int(code))), group) }
            return
        }
        let isValid = RowValidity(argument)
        batch.selection.forEach(batch.rowCount) { row in
            guard isValid[row] else { return }
            take(argument.value(row, type), batch.groups.map { Int($0[row]) } ?? 0)
        }
    }

    private func take(_ value: Value, _ group: Int) {
        if best[group] == .null {
            best[group] = value
            return
        }
        let order = totalOrder(value, best[group])
        if isMaximum ? order > 0 : order < 0 { best[group] = value }
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? ValueExtremeState else { return }
        for (g, target) in map.enumerated() where other.best[g] != .null { take(other.best[g], Int(target)) }
    }

    func value(_ group: Int) -> Value { best[group] }
}

/// A total order of values of one type for sorting: NaN behind all numbers, equal to itself.
///
/// Neither is null.
func totalOrder(_ a: Value, _ b: Value) -> Int {
    if let order = ScalarEvaluator.compare(a, b) { return order }
    if case .double(let x) = a, case .double(let y) = b {
        return (x.isNaN ? 1 : 0) - (y.isNaN ? 1 : 0)
    }
    return 0
}

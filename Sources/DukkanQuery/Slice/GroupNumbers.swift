import CDukkanKernels
import DukkanFormat

/// Numbers the groups of rows.
///
/// Each worker has its own; hashed ones are merged key by key.
final class GroupNumbers {
    let plan: GroupingPlan
    let keys: [BoundExpression]
    private(set) var count: Int
    private var numbers: UnsafeMutablePointer<UInt32>
    private var memory = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    private var capacity = 0

    // Of a hashed numbering: the keys of each group as words, one more for which of them are null.
    private var words: [Int64] = []
    private var slots: [UInt32] = []
    private var interners: [StringInterner]
    private var codeMaps: [(StringDictionary, [UInt32])?]

    /// Most keys of a hashed numbering: one bit each in a word.
    static let keyCountMax = 63

    init(_ plan: GroupingPlan, keys: [BoundExpression]) {
        self.plan = plan
        self.keys = keys
        switch plan {
        case .single: count = 1
        case .dense(_, let groupCount): count = groupCount
        case .hashed: count = 0
        }
        numbers = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
        interners = keys.map { _ in StringInterner() }
        codeMaps = keys.map { _ in nil }
        if case .hashed = plan { slots = [UInt32](repeating: .max, count: 1_024) }
    }

    deinit {
        numbers.deallocate()
        memory.deallocate()
    }

    /// Bytes held by a hashed numbering.
    var byteCount: Int { words.count * 8 + slots.count * 4 }

    /// The group of each selected row, at the row's place; nil where there is one group only.
    func number(
        _ rows: ExpressionRows, _ selection: RowSelection, _ evaluator: VectorEvaluator
    ) throws -> UnsafePointer<UInt32>? {
        if case .single = plan { return nil }
        if rows.count > capacity {
            numbers.deallocate()
            memory.deallocate()
            capacity = rows.count + rows.count / 4
            numbers = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity + 16)
            memory = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity + 16)
        }
        guard case .dense(let digits, _) = plan else {
            numberHashed(try keys.map { try evaluator.vector($0, rows) }, rows.count, selection)
            return UnsafePointer(numbers)
        }
        let output = numbers
        for (k, key) in keys.enumerated() {
            let vector = try evaluator.vector(digits[k].source ?? key, rows)
            try DenseDigit(vector, digits[k], isFirst: k == 0).add(to: output, rows.count, memory: memory)
        }
        var greatest: UInt32 = 0
        if case .indices(let indices, let count) = selection {
            for i in 0..<count { greatest = max(greatest, output[Int(indices[i])]) }
        } else {
            greatest = dukkan_maximum_code(output, rows.count)
        }
        if rows.count > 0, greatest >= count { throw GroupNumbers.outOfBounds() }
        return UnsafePointer(output)
    }

    /// The digits stand on the statistics; a file whose statistics lie must not lead out of the arrays.
    static func outOfBounds() -> DukkanError {
        DukkanError(.corrupt, "a column's values leave the bounds of its statistics")
    }

    // MARK: Hashing

    private func numberHashed(_ vectors: [ColumnVector], _ count: Int, _ selection: RowSelection) {
        let width = keys.count + 1
        for (k, vector) in vectors.enumerated() where vector.kind == .codes { mapCodes(k, vector) }
        var key = [Int64](repeating: 0, count: width)
        selection.forEach(count) { row in
            var nulls: Int64 = 0
            for k in 0..<(width - 1) {
                let vector = vectors[k]
                if !vector.isValid(row) {
                    nulls |= 1 << Int64(k)
                    key[k] = 0
                    continue
                }
                switch vector.kind {
                case .integers: key[k] = vector.integers[row]
                case .doubles: key[k] = GroupNumbers.word(vector.doubles[row])
                case .codes:
                    let code = Int(vector.codes[row])
                    if let map = codeMaps[k]?.1, map[code] != .max {
                        key[k] = Int64(map[code])
                    } else {
                        let text = (vector.dictionary ?? .empty).string(code)
                        let interned = interners[k].code(of: text)
                        codeMaps[k]?.1[code] = interned
                        key[k] = Int64(interned)
                    }
                }
            }
            key[width - 1] = nulls
            numbers[row] = find(key)
        }
    }

    /// All NaNs are one group, and so are both zeros.
    static func word(_ value: Double) -> Int64 {
        Int64(bitPattern: (value.isNaN ? Double.nan : (value == 0 ? 0 : value)).bitPattern)
    }

    private func mapCodes(_ k: Int, _ vector: ColumnVector) {
        let dictionary = vector.dictionary ?? .empty
        if codeMaps[k]?.0 === dictionary { return }
        codeMaps[k] = (dictionary, [UInt32](repeating: .max, count: dictionary.count))
    }

    private func find(_ key: [Int64]) -> UInt32 {
        if (count + 1) * 2 > slots.count { grow() }
        let mask = slots.count - 1
        var slot = GroupNumbers.hash(key[...]) & mask
        let width = key.count
        while true {
            let group = slots[slot]
            if group == .max {
                slots[slot] = UInt32(count)
                words.append(contentsOf: key)
                count += 1
                return UInt32(count - 1)
            }
            var isEqual = true
            let at = Int(group) * width
            for k in 0..<width where words[at + k] != key[k] {
                isEqual = false
                break
            }
            if isEqual { return group }
            slot = (slot + 1) & mask
        }
    }

    private func grow() {
        let width = keys.count + 1
        slots = [UInt32](repeating: .max, count: slots.count * 2)
        let mask = slots.count - 1
        for group in 0..<count {
            var slot = GroupNumbers.hash(words[group * width..<(group + 1) * width]) & mask
            while slots[slot] != .max { slot = (slot + 1) & mask }
            slots[slot] = UInt32(group)
        }
    }

    static func hash(_ words: ArraySlice<Int64>) -> Int {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        for word in words {
            hash = (hash ^ UInt64(bitPattern: word)) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
        }
        return Int(truncatingIfNeeded: hash >> 1)
    }

    // MARK: Results

    /// Whether the groups' numbers rise with their keys, null behind all others.
    var isInKeyOrder: Bool {
        guard case .dense(let digits, _) = plan else { return false }
        return digits.allSatisfy { if case .codes(let dictionary) = $0.digits { dictionary.isSorted } else { true } }
    }

    /// Adds the groups of another worker.
    ///
    /// Returns the number here of each of its groups.
    func merge(_ other: GroupNumbers) -> [UInt32] {
        guard case .hashed = plan else { return (0..<UInt32(count)).map { $0 } }
        let width = keys.count + 1
        let strings = other.interners.map { $0.dictionary() }
        var map: [UInt32] = []
        map.reserveCapacity(other.count)
        var key = [Int64](repeating: 0, count: width)
        for group in 0..<other.count {
            for k in 0..<width { key[k] = other.words[group * width + k] }
            for k in 0..<(width - 1) where keys[k].type == .string && key[width - 1] & (1 << Int64(k)) == 0 {
                key[k] = Int64(interners[k].code(of: strings[k].string(Int(key[k]))))
            }
            map.append(find(key))
        }
        return map
    }

    /// The value of key `k` in each of some groups.
    func values(_ k: Int, groups: [UInt32]) throws -> [Value] {
        let type = keys[k].type
        switch plan {
        case .single: return []
        case .dense(let digits, _):
            var divisor = 1
            for digit in digits[(k + 1)...] { divisor *= digit.radix }
            return try groups.map { group in
                let digit = Int(group) / divisor % digits[k].radix
                if digit == digits[k].size { return .null }
                switch digits[k].digits {
                case .codes(let dictionary): return .string(dictionary.string(digit))
                case .integers(let low): return try ScalarEvaluator.value(Int128(low) + Int128(digit), type)
                case .periods(let periods):
                    return try ScalarEvaluator.value(
                        Int128(periods.firstValue) + Int128(digit) * Int128(periods.step), type)
                }
            }
        case .hashed:
            let width = keys.count + 1
            let strings = interners[k].dictionary()
            return try groups.map { group in
                let at = Int(group) * width
                if words[at + width - 1] & (1 << Int64(k)) != 0 { return .null }
                let word = words[at + k]
                switch type {
                case .string: return .string(strings.string(Int(word)))
                case .double: return .double(Double(bitPattern: UInt64(bitPattern: word)))
                default: return try ScalarEvaluator.value(Int128(word), type)
                }
            }
        }
    }
}

/// The rows that a filter left.
enum RowSelection {
    case all
    case indices(UnsafePointer<UInt32>, Int)

    @inline(__always)
    func forEach(_ count: Int, _ body: (Int) -> Void) {
        switch self {
        case .all: for row in 0..<count { body(row) }
        case .indices(let indices, let selected): for i in 0..<selected { body(Int(indices[i])) }
        }
    }

    func count(of rows: Int) -> Int {
        if case .indices(_, let selected) = self { selected } else { rows }
    }
}

import CDukkanKernels
import DukkanFormat
import Synchronization

/// Numbers the values of a breakdown alike for all tables, morsels and threads.
final class ValueNumbering: Sendable {
    private struct Known {
        var numbers = [Value: UInt32]()
        var values: [Value] = []
    }

    private let known = Guarded(Known())

    /// Most values of one breakdown.
    static let valueCountMax = 10_000_000

    func number(of value: Value) throws -> UInt32 {
        try known.withLock { known in
            if let number = known.numbers[value] { return number }
            if known.values.count >= ValueNumbering.valueCountMax {
                throw DukkanError(.limit, "a breakdown has more than \(ValueNumbering.valueCountMax) values")
            }
            let number = UInt32(known.values.count)
            known.numbers[value] = number
            known.values.append(value)
            return number
        }
    }

    func value(_ number: UInt32) -> Value {
        known.withLock { $0.values[Int(number)] }
    }

    /// One thread's memory of numbers.
    final class Cache {
        private let numbering: ValueNumbering
        private var codes: [(dictionary: StringDictionary, numbers: [UInt32])] = []
        private var integers = [Int64: UInt32]()

        /// Dictionaries remembered at once.
        private static let dictionaryCountMax = 8

        init(_ numbering: ValueNumbering) {
            self.numbering = numbering
        }

        /// Writes the number of each row's value; ``SequenceRows/nullCode`` for null.
        func fill(_ vector: ColumnVector, _ type: ScalarType, into numbers: UnsafeMutablePointer<UInt32>) throws {
            let isValid = RowValidity(vector)
            let count = vector.count
            switch vector.kind {
            case .codes:
                let map = try self.map(vector.dictionary ?? .empty)
                dukkan_numbers_of_codes(
                    vector.codes, count, map, map.count, vector.hasNulls ? vector.validity : nil,
                    SequenceRows.nullCode, numbers)
                return
            case .integers:
                let values = vector.integers
                for row in 0..<count where isValid[row] {
                    let value = values[row]
                    if let known = integers[value] {
                        numbers[row] = known
                    } else {
                        let made = try numbering.number(of: vector.value(row, type))
                        integers[value] = made
                        numbers[row] = made
                    }
                }
            case .doubles:
                for row in 0..<count where isValid[row] {
                    numbers[row] = try numbering.number(of: vector.value(row, type))
                }
            }
            guard vector.hasNulls else { return }
            for row in 0..<count where !isValid[row] { numbers[row] = SequenceRows.nullCode }
        }

        private func map(_ dictionary: StringDictionary) throws -> [UInt32] {
            if let known = codes.first(where: { $0.dictionary === dictionary }) { return known.numbers }
            // One entry more, so that code 0 of an empty dictionary has a place.
            var numbers = [UInt32](repeating: SequenceRows.nullCode, count: dictionary.count + 1)
            for code in 0..<dictionary.count {
                numbers[code] = try numbering.number(of: .string(dictionary.string(code)))
            }
            if codes.count >= Cache.dictionaryCountMax { codes.removeFirst() }
            codes.append((dictionary, numbers))
            return numbers
        }
    }
}

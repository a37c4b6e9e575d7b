package import DukkanFormat

/// The union of sorted dictionaries: one sorted dictionary, and for each input the new code of each old one.
package struct DictionaryUnion: Sendable {
    package let dictionary: StringDictionary
    /// `maps[i][old]` is the code in `dictionary` of string `old` of input i; nil where the codes stay as they are.
    package let maps: [[UInt32]?]

    /// What the union takes in memory, without its inputs.
    var byteCount: Int { maps.reduce(dictionary.byteCount) { $0 + ($1?.count ?? 0) * 4 } }

    /// Merges `inputs`, each sorted.
    ///
    /// O(total strings × log inputs), in strings compared.
    package init(_ inputs: [StringDictionary]) {
        if let first = inputs.first, inputs.allSatisfy({ $0 === first }) {
            dictionary = first
            maps = inputs.map { _ in nil }
            return
        }
        // One string behind the other, so that comparing two counts no references.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(inputs.reduce(0) { $0 + $1.bytes.count })
        var references: [Reference] = []
        references.reserveCapacity(inputs.reduce(0) { $0 + $1.count })
        var borders = [0]
        for (i, input) in inputs.enumerated() {
            let base = bytes.count
            for code in 0..<input.count {
                references.append(
                    Reference(
                        start: base + Int(input.offsets[code]), end: base + Int(input.offsets[code + 1]),
                        input: Int32(truncatingIfNeeded: i), code: UInt32(truncatingIfNeeded: code)))
            }
            bytes += input.bytes
            borders.append(references.count)
        }
        let sorted = bytes.withUnsafeBufferPointer { DictionaryUnion.merge(references, borders, $0) }
        (dictionary, maps) = bytes.withUnsafeBufferPointer { DictionaryUnion.number(sorted, inputs, $0) }
    }

    /// A string of an input, and where its bytes lie among those of all.
    private struct Reference {
        var start: Int
        var end: Int
        var input: Int32
        var code: UInt32

        @inline(__always)
        func compare(_ other: Reference, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
            StringDictionary.compare(
                UnsafeBufferPointer(rebasing: bytes[start..<end]),
                UnsafeBufferPointer(rebasing: bytes[other.start..<other.end]))
        }
    }

    /// Merges sorted lists, neighbours first.
    ///
    /// - Parameter borders: where each list begins, and the end of the last.
    private static func merge(
        _ lists: [Reference], _ borders: [Int], _ bytes: UnsafeBufferPointer<UInt8>
    ) -> [Reference] {
        var from = lists, to = lists, borders = borders
        while borders.count > 2 {
            var joined = [0]
            for at in stride(from: 0, to: borders.count - 1, by: 2) {
                let middle = borders[at + 1], end = at + 2 < borders.count ? borders[at + 2] : middle
                from.withUnsafeBufferPointer { from in
                    to.withUnsafeMutableBufferPointer { to in
                        var a = borders[at], b = middle
                        for place in a..<end {
                            let takesA = b == end || (a < middle && from[a].compare(from[b], bytes) <= 0)
                            to[place] = from[takesA ? a : b]
                            a += takesA ? 1 : 0
                            b += takesA ? 0 : 1
                        }
                    }
                }
                joined.append(end)
            }
            swap(&from, &to)
            borders = joined
        }
        return from
    }

    /// Numbers sorted strings, equal ones alike.
    private static func number(
        _ sorted: [Reference], _ inputs: [StringDictionary], _ bytes: UnsafeBufferPointer<UInt8>
    ) -> (StringDictionary, [[UInt32]?]) {
        var offsets: [UInt32] = [0]
        var united: [UInt8] = []
        var maps = inputs.map { [UInt32](repeating: 0, count: $0.count) }
        var last: Reference?
        for reference in sorted {
            if last.map({ $0.compare(reference, bytes) != 0 }) ?? true {
                united += bytes[reference.start..<reference.end]
                offsets.append(UInt32(united.count))
                last = reference
            }
            maps[Int(reference.input)][Int(reference.code)] = UInt32(offsets.count - 2)
        }
        let dictionary = StringDictionary(offsets: offsets, bytes: united, isSorted: true)
        let total = dictionary.count
        return (dictionary, maps.map { map in map.count == total ? nil : map })
    }
}

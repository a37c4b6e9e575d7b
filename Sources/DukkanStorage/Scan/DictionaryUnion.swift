package import DukkanFormat

/// The union of sorted dictionaries: one sorted dictionary, and for each input the new code of each old one.
package struct DictionaryUnion: Sendable {
    package let dictionary: StringDictionary
    /// `maps[i][old]` is the code in `dictionary` of string `old` of input i; nil where the codes stay as they are.
    package let maps: [[UInt32]?]

    /// Merges `inputs`, each sorted.
    ///
    /// O(total strings × inputs), in bytes compared.
    package init(_ inputs: [StringDictionary]) {
        if let first = inputs.first, inputs.allSatisfy({ $0 === first }) {
            dictionary = first
            maps = inputs.map { _ in nil }
            return
        }
        var offsets: [UInt32] = [0]
        var bytes: [UInt8] = []
        var maps = inputs.map { [UInt32](repeating: 0, count: $0.count) }
        // A balanced merge would save comparisons for hundreds of inputs; sorting references does that for us.
        var references: [(input: Int, code: Int)] = []
        references.reserveCapacity(inputs.reduce(0) { $0 + $1.count })
        for (i, input) in inputs.enumerated() {
            for code in 0..<input.count { references.append((i, code)) }
        }
        func compare(_ a: (input: Int, code: Int), _ b: (input: Int, code: Int)) -> Int {
            inputs[a.input].withBytes(a.code) { left in
                inputs[b.input].withBytes(b.code) { StringDictionary.compare(left, $0) }
            }
        }
        if inputs.count > 1 { references.sort { compare($0, $1) < 0 } }
        var last: (input: Int, code: Int)?
        var code = -1
        for reference in references {
            let isNew = last.map { compare($0, reference) != 0 } ?? true
            if isNew {
                inputs[reference.input].withBytes(reference.code) { bytes.append(contentsOf: $0) }
                offsets.append(UInt32(bytes.count))
                code += 1
                last = reference
            }
            maps[reference.input][reference.code] = UInt32(code)
        }
        dictionary = StringDictionary(offsets: offsets, bytes: bytes, isSorted: true)
        let total = dictionary.count
        self.maps = maps.map { map in map.count == total ? nil : map }
    }
}

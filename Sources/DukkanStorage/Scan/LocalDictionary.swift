import DukkanFormat

/// Gathers the strings of several block dictionaries under one numbering, for the rows of one morsel.
final class LocalDictionary {
    /// By bytes: Swift takes different spellings of one character for equal.
    private var codes = [[UInt8]: UInt32]()
    private var offsets: [UInt32] = [0]
    private var bytes: [UInt8] = []
    private var map: [UInt32] = []

    func removeAll() {
        codes.removeAll(keepingCapacity: true)
        offsets = [0]
        bytes = []
    }

    /// Appends rows of a vector to another, with their strings' codes in this dictionary.
    func append(_ source: ColumnVector, from: Int, count: Int, to target: ColumnVector) {
        guard let dictionary = source.dictionary else { preconditionFailure("codes without a dictionary") }
        map.removeAll(keepingCapacity: true)
        map.append(contentsOf: repeatElement(UInt32.max, count: dictionary.count))
        let start = target.count
        target.append(contentsOf: source, from: from, count: count)
        let output = target.codes
        for i in start..<start + count where target.isValid(i) {
            let old = Int(output[i])
            if map[old] == .max { map[old] = code(of: dictionary.withBytes(old) { Array($0) }) }
            output[i] = map[old]
        }
    }

    private func code(of string: [UInt8]) -> UInt32 {
        if let known = codes[string] { return known }
        let made = UInt32(offsets.count - 1)
        bytes.append(contentsOf: string)
        offsets.append(UInt32(bytes.count))
        codes[string] = made
        return made
    }

    func dictionary() -> StringDictionary {
        StringDictionary(offsets: offsets, bytes: bytes, isSorted: false)
    }
}

/// The strings of the rows that wait for their stripe, for columns without a part dictionary.
///
/// Rows come with the dictionaries of their calls; here they get codes that hold until ``removeAll()``.
struct StringPool {
    private(set) var offsets: [UInt32] = [0]
    private(set) var bytes: [UInt8] = []
    /// Codes of the strings of `mapped` that are here already; `absent` for the others.
    private var codes: [UInt32] = []
    private var mapped: StringDictionary?

    private static let absent = UInt32.max

    var count: Int { offsets.count - 1 }

    func range(_ code: UInt32) -> Range<Int> { Int(offsets[Int(code)])..<Int(offsets[Int(code) + 1]) }

    /// The code here of string `code` of `dictionary`.
    mutating func code(of code: UInt32, in dictionary: StringDictionary) throws(DukkanError) -> UInt32 {
        if mapped !== dictionary {
            mapped = dictionary
            codes = [UInt32](repeating: StringPool.absent, count: dictionary.count)
        }
        let known = codes[Int(code)]
        if known != StringPool.absent { return known }
        let range = Int(dictionary.offsets[Int(code)])..<Int(dictionary.offsets[Int(code) + 1])
        guard range.count <= PartLimits.stringByteCountMax else {
            throw DukkanError(
                .limit, "a string of \(range.count) bytes; at most \(PartLimits.stringByteCountMax) are allowed")
        }
        guard bytes.count + range.count <= StringDictionary.byteCountMax else {
            throw DukkanError(.limit, "the strings of one stripe take more than \(StringDictionary.byteCountMax) bytes")
        }
        dictionary.bytes.withUnsafeBufferPointer { bytes.append(contentsOf: $0[range]) }
        offsets.append(UInt32(bytes.count))
        let new = UInt32(count - 1)
        codes[Int(code)] = new
        return new
    }

    /// Forgets all strings but those of `codes`, which get new codes in place.
    mutating func keep(_ codes: UnsafeMutablePointer<UInt32>, _ codeCount: Int) {
        let old = self
        self = StringPool()
        var renamed = [UInt32](repeating: StringPool.absent, count: old.count)
        for i in 0..<codeCount {
            let code = Int(codes[i])
            // Null rows hold code 0, which need not exist.
            if code >= old.count { continue }
            if renamed[code] == StringPool.absent {
                bytes.append(contentsOf: old.bytes[old.range(codes[i])])
                offsets.append(UInt32(bytes.count))
                renamed[code] = UInt32(count - 1)
            }
            codes[i] = renamed[code]
        }
    }

    /// The distinct strings of `codes`, sorted, and each row's index among them.
    func sortedDictionary(
        _ codes: UnsafePointer<UInt32>, _ count: Int, indices: UnsafeMutablePointer<Int64>
    ) -> StringDictionary {
        let order = bytes.withUnsafeBufferPointer { sortedCodes(codes, count, $0) }
        var sortedOffsets: [UInt32] = [0]
        var sortedBytes: [UInt8] = []
        var ranks: [UInt32] = []
        var places = [UInt32](repeating: 0, count: self.count)
        for code in order {
            let range = range(code)
            let isNew = ranks.isEmpty || !bytes[range].elementsEqual(sortedBytes[lastRange(sortedOffsets)])
            if isNew {
                sortedBytes.append(contentsOf: bytes[range])
                sortedOffsets.append(UInt32(sortedBytes.count))
            }
            ranks.append(UInt32(sortedOffsets.count - 2))
            places[Int(code)] = UInt32(sortedOffsets.count - 2)
        }
        for i in 0..<count { indices[i] = Int64(places[Int(codes[i])]) }
        return StringDictionary(offsets: sortedOffsets, bytes: sortedBytes, isSorted: true)
    }

    private func lastRange(_ offsets: [UInt32]) -> Range<Int> {
        Int(offsets[offsets.count - 2])..<Int(offsets[offsets.count - 1])
    }

    /// The distinct codes, sorted by their strings.
    private func sortedCodes(
        _ codes: UnsafePointer<UInt32>, _ count: Int, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> [UInt32] {
        var seen = [Bool](repeating: false, count: self.count)
        var keyed: [(head: UInt64, code: UInt32)] = []
        for i in 0..<count where !seen[Int(codes[i])] {
            seen[Int(codes[i])] = true
            // The first eight bytes as a number decide most comparisons.
            var head: UInt64 = 0
            let range = range(codes[i])
            for place in 0..<8 {
                let at = range.lowerBound + place
                head = head << 8 | (at < range.upperBound ? UInt64(bytes[at]) : 0)
            }
            keyed.append((head, codes[i]))
        }
        keyed.sort { a, b in
            if a.head != b.head { return a.head < b.head }
            let x = UnsafeBufferPointer(rebasing: bytes[range(a.code)])
            let y = UnsafeBufferPointer(rebasing: bytes[range(b.code)])
            return StringDictionary.compare(x, y) < 0
        }
        return keyed.map(\.code)
    }
}

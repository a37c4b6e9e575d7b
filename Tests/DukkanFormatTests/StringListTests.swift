import Testing

@testable import DukkanFormat

/// Lists of strings come back byte for byte, in the form that suits them.
@Suite struct StringListTests {
    enum Shape: String, CaseIterable, Sendable {
        case one, empty, words, urls, uuids, upperHexadecimal, hexadecimal16, orderNumbers, longDigits, mixedCase
        case sharedPrefix, unicode
    }

    static func strings(_ shape: Shape) -> [String] {
        var generator = SplitMix(seed: 5)
        func hexadecimal(_ digits: Int) -> String {
            String((0..<digits).map { _ in Array("0123456789abcdef")[generator.below(16)] })
        }
        let strings: [String] =
            switch shape {
            case .one: ["paid"]
            case .empty: ["", "a"]
            case .words: ["cancelled", "delivered", "paid", "returned", "shipped"]
            case .urls: (0..<3_000).map { "/p/\($0 * 7919 % 5_000)-item-\($0 % 97).html" }
            case .uuids:
                (0..<500).map { _ in
                    [8, 4, 4, 4, 12].map { hexadecimal($0) }.joined(separator: "-")
                }
            case .upperHexadecimal: (0..<500).map { _ in hexadecimal(20).uppercased() }
            case .hexadecimal16: (0..<500).map { _ in hexadecimal(16) } + ["ffffffffffffffff", "0000000000000000"]
            case .orderNumbers: (0..<2_000).map { "ORD-" + String(1_000_000 + $0 * 3) }
            case .longDigits:
                (0..<300).map { _ in String((0..<40).map { _ in Character(String(generator.below(10))) }) }
            case .mixedCase: ["abcd", "ABCD", "aBcD"]
            case .sharedPrefix: (0..<200).map { String(repeating: "long", count: 50) + String($0) }
            case .unicode: ["دكّان", "قهوة", "café", "naïve", "日本", "🛒"]
            }
        return Set(strings).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func encode(_ strings: [String]) -> [UInt8] {
        var writer = ByteWriter()
        StringList.encode(StringDictionary(strings), into: &writer, effort: EncodingEffort(thorough: true))
        return writer.bytes
    }

    private func decode(_ bytes: [UInt8], _ count: Int) throws -> [String] {
        try bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            let dictionary = try StringList.decode(&reader, count, scratch: ScratchArena())
            #expect(reader.isAtEnd && dictionary.isSorted)
            return (0..<count).map { dictionary.string($0) }
        }
    }

    @Test(arguments: Shape.allCases)
    func stringsComeBack(_ shape: Shape) throws {
        let strings = StringListTests.strings(shape)
        #expect(try decode(encode(strings), strings.count) == strings)
    }

    @Test(arguments: [(Shape.uuids, 16.5), (.hexadecimal16, 8.2), (.orderNumbers, 0.3), (.upperHexadecimal, 10.5)])
    func digitsTakeNoMoreThanTheirValue(_ shape: Shape, _ bytesPerString: Double) {
        let strings = StringListTests.strings(shape)
        #expect(Double(encode(strings).count) < Double(strings.count) * bytesPerString + 80)
    }

    @Test func stringsOutOfOrderAreRefused() {
        let strings = ["b", "a"]
        #expect(throws: DukkanError.self) { try decode(encode(strings), 2) }
    }
}

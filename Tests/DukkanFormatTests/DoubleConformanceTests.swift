import Testing

@testable import DukkanFormat

/// Doubles come back bit for bit, whatever they are.
@Suite struct DoubleConformanceTests {
    enum Shape: String, CaseIterable, Sendable {
        case prices, tenths, integers, large, random, special, mostlyPrices, nanPayloads, equal, smallFractions
    }

    static func values(_ shape: Shape, _ count: Int) -> [Double] {
        var generator = SplitMix(seed: UInt64(count) + 1)
        let special: [Double] = [
            -0.0, 0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNormalMagnitude,
            .greatestFiniteMagnitude, 0.1 + 0.2, 1e22, 1e23, 9_007_199_254_740_994, 4_503_599_627_370_497.5,
        ]
        return (0..<count).map { _ in
            switch shape {
            case .prices: Double(generator.below(1_000_000)) / 100
            case .tenths: Double(generator.below(1_000)) / 10 - 20
            case .integers: Double(generator.below(1 << 40))
            case .large: Double(generator.next() >> 1)
            case .random: Double(generator.next() >> 11) * 0x1p-53
            case .special: special[generator.below(special.count)]
            case .mostlyPrices:
                generator.chance(0.05) ? special[generator.below(special.count)] : Double(generator.below(9_999)) / 100
            case .nanPayloads: Double(bitPattern: 0x7FF0_0000_0000_0000 | generator.next() >> 12)
            case .equal: 2.5
            case .smallFractions: Double(generator.below(1_000)) / 1e15
            }
        }
    }

    @Test(arguments: Shape.allCases)
    func bitsComeBack(_ shape: Shape) throws {
        for count in [1, 2, 100, 1_024, 3_000] {
            let values = DoubleConformanceTests.values(shape, count)
            var writer = ByteWriter()
            DoubleStream.encode(values, count, into: &writer, effort: EncodingEffort(thorough: false))
            let scratch = ScratchArena()
            let out = scratch.allocate(Double.self, count)
            try writer.bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                try DoubleStream.decode(&reader, count, into: out, scratch: scratch)
                #expect(reader.isAtEnd)
            }
            let same = (0..<count).allSatisfy { out[$0].bitPattern == values[$0].bitPattern }
            #expect(same, "count \(count)")
        }
    }

    @Test func decimalsTakeThePlaceOfTheirDigits() {
        let values = DoubleConformanceTests.values(.prices, 1_024)
        var writer = ByteWriter()
        DoubleStream.encode(values, 1_024, into: &writer, effort: EncodingEffort(thorough: false))
        // A million cents are 20 bits.
        #expect(writer.count < 1_024 * 20 / 8 + 32)
    }
}

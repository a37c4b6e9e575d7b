import Testing

@testable import DukkanFormat

/// Each form of an integer stream gives back every shape of data, as integers and as codes.
@Suite struct StreamConformanceTests {
    enum Form: String, CaseIterable, Sendable {
        case chosen, thorough, packed, runLength, runs, scaled, delta, dictionary, frequent, customerDelta
    }

    enum Shape: String, CaseIterable, Sendable {
        case equal, extremes, ascending, descending, outliers, lowOutliers, runs, fewDistinct, multiples, alternating
        case width0, width1, width7, width31, width32, width33, width48, width63, width64
        case customerTimes, oneValue, almostVertical, zeroAndMaximum
    }

    static let counts = [1, 2, 15, 63, 64, 65, 959, 960, 1_000, 1_023, 1_024, 1_025, 2_047, 2_048, 5_000]

    static func values(_ shape: Shape, _ count: Int) -> [Int64] {
        var generator = SplitMix(
            seed: UInt64(count) &* 31 &+ UInt64(shape.rawValue.utf8.reduce(0) { $0 * 7 + Int($1) }))
        func random(_ width: Int) -> Int64 {
            width == 0 ? 0 : Int64(bitPattern: generator.next() >> UInt64(64 - width))
        }
        var time: Int64 = 1_700_000_000_000_000
        return (0..<count).map { i -> Int64 in
            switch shape {
            case .equal: return -77
            case .extremes: return [Int64.min, .max, 0, -1, 1][generator.below(5)]
            case .ascending: return Int64(i) * 3 - 50
            case .descending: return Int64.max - Int64(i)
            case .outliers: return generator.chance(0.02) ? random(60) : random(5)
            case .lowOutliers: return generator.chance(0.02) ? -random(60) : random(5)
            case .runs: return Int64(i / 9 % 5) << 40
            case .fewDistinct: return [7, 1 << 50, -3, 12_345_678][generator.below(4)]
            case .multiples: return 999 + 1_000 * random(12)
            case .alternating: return Int64(i & 1)
            case .width0: return 5
            case .width1: return random(1)
            case .width7: return random(7)
            case .width31: return random(31)
            case .width32: return random(32)
            case .width33: return random(33)
            case .width48: return random(48)
            case .width63: return random(63)
            case .width64: return random(64)
            case .customerTimes:
                time += generator.chance(0.1) ? -random(30) * 1_000 : random(20) * 1_000
                return time
            case .oneValue: return generator.chance(0.9) ? 3 : random(10)
            case .almostVertical: return Int64(i % 13)
            case .zeroAndMaximum: return generator.chance(0.5) ? 0 : .max
            }
        }
    }

    /// The bytes of a form; nil where it cannot hold the values.
    static func encode(_ form: Form, _ values: [Int64]) -> [UInt8]? {
        let context = EncodingContext(effort: EncodingEffort(thorough: form == .thorough), depth: 0)
        let count = values.count
        let profile = IntegerProfile(values, count)
        switch form {
        case .chosen, .thorough:
            var writer = ByteWriter()
            IntegerStream.encode(values, count, into: &writer, effort: context.effort)
            return writer.bytes
        case .packed: return IntegerStream.packedForm(values, count).bytes
        case .runLength: return IntegerStream.runLengthForm(values, count, profile.runCount, context).bytes
        case .runs: return IntegerStream.runsForm(values, count, profile.runCount, context).bytes
        case .scaled: return IntegerStream.scaledForm(values, count, profile, context).bytes
        case .delta: return IntegerStream.deltaForm(values, count, context).bytes
        case .dictionary:
            guard let distinct = DistinctValues.find(values, count, countMax: DistinctValues.countMax) else {
                return nil
            }
            return IntegerStream.dictionaryForm(values, count, distinct, context).bytes
        case .frequent: return IntegerStream.frequentForm(values, count, values[0], context).bytes
        case .customerDelta: return nil
        }
    }

    @Test(arguments: Form.allCases.filter { $0 != .customerDelta }, Shape.allCases)
    func everyFormGivesBackEveryShape(_ form: Form, _ shape: Shape) throws {
        for count in StreamConformanceTests.counts {
            let values = StreamConformanceTests.values(shape, count)
            guard let bytes = StreamConformanceTests.encode(form, values) else { continue }
            let scratch = ScratchArena()
            let integers = scratch.allocate(Int64.self, count)
            let codes = scratch.allocate(UInt32.self, count)
            try bytes.withUnsafeBytes { bytes in
                var reader = ByteReader(bytes)
                try IntegerStream.decode(&reader, count, into: integers, scratch: scratch)
                #expect(reader.isAtEnd)
                reader = ByteReader(bytes)
                try IntegerStream.decode(&reader, count, into: codes, scratch: scratch)
                #expect(reader.isAtEnd)
            }
            #expect(Array(UnsafeBufferPointer(start: integers, count: count)) == values, "count \(count)")
            let narrow = values.map { UInt32(truncatingIfNeeded: $0) }
            #expect(Array(UnsafeBufferPointer(start: codes, count: count)) == narrow, "count \(count)")
        }
    }

    @Test(arguments: Shape.allCases)
    func theChosenFormIsNeverMuchLargerThanPacking(_ shape: Shape) throws {
        for count in StreamConformanceTests.counts {
            let values = StreamConformanceTests.values(shape, count)
            let chosen = try #require(StreamConformanceTests.encode(.chosen, values))
            let packed = try #require(StreamConformanceTests.encode(.packed, values))
            #expect(chosen.count <= packed.count + 12, "count \(count)")
        }
    }

    @Test func anEmptyStreamTakesNoBytes() throws {
        var writer = ByteWriter()
        IntegerStream.encode([], 0, into: &writer, effort: EncodingEffort(thorough: true))
        #expect(writer.bytes.isEmpty)
    }

    @Test func oneOutlierDoesNotWidenItsBlock() {
        var values = (0..<1_024).map { Int64($0 % 16) }
        values[500] = 1 << 60
        let bytes = IntegerStream.packedForm(values, 1_024).bytes
        #expect(bytes.count < 4 * 128 + 32)
    }
}

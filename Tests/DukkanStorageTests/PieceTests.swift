import DukkanFormat
import Testing

@testable import DukkanStorage

/// Pieces of the storage layer by themselves.
@Suite struct PieceTests {
    @Test(arguments: [0, 1, 2, 1_000, 70_000]) func rowsAreSortedByKeyAndArrival(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        for bits in [0, 1, 11, 12, 31, 32] {
            let mask = bits == 0 ? 0 : UInt64.max >> UInt64(64 - bits)
            let keys = (0..<count).map { _ in generator.next() & mask }
            let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
            for row in 0..<count { words[row] = keys[row] << 32 | UInt64(row) }
            let order = RadixSort.order(words: words, keyMaximum: UInt32(mask))
            defer { order.deallocate() }
            let expected = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
            #expect(order.map { Int($0) } == expected, "\(bits) bits")
        }
        let keys = (0..<count).map { _ in generator.next() & 0xFF00_0000_0000_00FF }
        let order = keys.withUnsafeBufferPointer { RadixSort.order(keys: $0) }
        defer { order.deallocate() }
        #expect(order.map { Int($0) } == keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) })
    }

    @Test func internedStringsKeepTheirCodes() {
        let interner = StringInterner()
        var generator = SeededGenerator(seed: 1)
        var known: [String: UInt32] = [:]
        for _ in 0..<20_000 {
            var text =
                String(generator.next() % 3_000, radix: 7) + String(repeating: "x", count: Int(generator.next() % 12))
            let code = text.withUTF8 { interner.intern($0) }
            #expect(known[text, default: UInt32(known.count)] == code)
            known[text] = code
        }
        #expect(interner.count == known.count)
        let sorted = interner.sortedCodes()
        let dictionary = interner.dictionary(of: sorted, isSorted: true)
        #expect((0..<dictionary.count).map { dictionary.string($0) } == known.keys.sorted())
        var absent = "absent"
        #expect(absent.withUTF8 { interner.find($0) } == nil)
    }

    @Test func manifestsReadBackAndRefuseDamage() throws {
        var manifest = Manifest()
        manifest.generation = 42
        manifest.store = PartIdentifier(high: 1, low: 2)
        manifest.customerType = .string
        manifest.segments = [.init(name: "loyal", text: "count(orders) > 2")]
        manifest.nextTable = 4
        manifest.nextFile = 100
        manifest.nextOrder = 90
        var table = Manifest.Table(number: 3, schema: Shop(stringCustomers: true, allowsNullCustomer: true).schema)
        table.windowBorders = [-5, 7, .max]
        for number in 0..<20 {
            table.parts.append(
                Manifest.Part(
                    file: UInt64(number + 1), identifier: PartIdentifier(high: 7, low: UInt64(number)),
                    firstOrder: UInt64(number + 1), lastOrder: UInt64(number + 1), rowCount: 1_000_000,
                    customerCount: 30_000, byteCount: 12_345_678, minimumTime: -3, maximumTime: .max,
                    isThorough: number % 2 == 0))
        }
        table.deletions = [.init(file: 50, identifier: PartIdentifier(high: 9, low: 9), rowCount: 8, byteCount: 99)]
        table.parts[3].isExact = false
        manifest.tables = [table]
        manifest.erasures = [.init(generation: 7, time: -1), .init(generation: 42, time: 9)]
        let bytes = manifest.encoded()
        #expect(try Manifest(decoding: bytes, generation: 42) == manifest)
        #expect(bytes.count < 20 * 64 + 400, "a part takes about 50 bytes")
        #expect(throws: DukkanError.self) { try Manifest(decoding: bytes, generation: 43) }
        for length in 0..<bytes.count {
            #expect(throws: DukkanError.self) { try Manifest(decoding: Array(bytes[..<length]), generation: 42) }
        }
        var newer = bytes
        newer[8] = UInt8(Manifest.version) + 1
        let error = #expect(throws: DukkanError.self) { try Manifest(decoding: newer, generation: 42) }
        #expect(error?.code == .unsupportedVersion)
    }

    /// Bytes that pass the checksum are not trusted either.
    @Test func damagedManifestsWithARightChecksumNeverTrap() {
        var manifest = Manifest()
        manifest.generation = 1
        manifest.customerType = .int
        manifest.nextTable = 2
        manifest.nextFile = 3
        manifest.nextOrder = 3
        var table = Manifest.Table(number: 1, schema: Shop().schema)
        table.parts = [
            Manifest.Part(
                file: 1, identifier: PartIdentifier(high: 1, low: 1), firstOrder: 1, lastOrder: 1, rowCount: 10,
                customerCount: 2, byteCount: 500, minimumTime: 1, maximumTime: 2, isThorough: false)
        ]
        manifest.tables = [table]
        let bytes = manifest.encoded()
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<20_000 {
            var changed = Array(bytes.dropLast(4))
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                changed[Int.random(in: 12..<changed.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            let checksum = Checksum.crc32c(changed[...], seed: 1)
            withUnsafeBytes(of: checksum.littleEndian) { changed.append(contentsOf: $0) }
            _ = try? Manifest(decoding: changed, generation: 1)
        }
    }

    @Test func deletionFilesReadBackAndRefuseDamage() throws {
        let identifier = PartIdentifier(high: 3, low: 4)
        let file = DeletionFile(sections: [
            .init(part: PartIdentifier(high: 1, low: 1), rows: [0, 1, 2, 70, 1 << 33]),
            .init(part: PartIdentifier(high: 1, low: 2), rows: [5]),
        ])
        let bytes = file.encoded(identifier: identifier)
        let back = try DeletionFile(decoding: bytes, identifier: identifier)
        #expect(back.sections.map(\.rows) == file.sections.map(\.rows))
        #expect(back.rowCount == 6)
        for offset in bytes.indices {
            var changed = bytes
            changed[offset] ^= 0x10
            #expect(throws: DukkanError.self) { try DeletionFile(decoding: changed, identifier: identifier) }
        }
        #expect(throws: DukkanError.self) {
            try DeletionFile(decoding: bytes, identifier: PartIdentifier(high: 3, low: 5))
        }
    }

    @Test func deletedRowsAreCountedInRanges() {
        var generator = SeededGenerator(seed: 5)
        let bitmap = DeleteBitmap(rowCount: 300)
        var deleted: Set<Int> = []
        for _ in 0..<90 {
            let row = Int.random(in: 0..<300, using: &generator)
            #expect(bitmap.insert(row) == deleted.insert(row).inserted)
        }
        for from in 0...300 {
            for to in from...300 {
                #expect(bitmap.deletedCount(in: from..<to) == deleted.count { (from..<to).contains($0) })
            }
        }
    }

    @Test func sizesOfOneClassAreMergedWhenThereAreEnough() {
        #expect(SizeTier.mergeableSuffix([], factor: 3) == nil)
        #expect(SizeTier.mergeableSuffix([100, 100], factor: 3) == nil)
        #expect(SizeTier.mergeableSuffix([9_000, 100, 100, 100], factor: 3) == 1)
        // The older, larger part stays; those of its class and below go together.
        #expect(SizeTier.mergeableSuffix([90_000, 2_000, 2_000, 100, 2_000, 100], factor: 3) == 1)
        #expect(SizeTier.mergeableSuffix([2_000, 2_000, 90_000, 2_000, 100], factor: 3) == nil)
    }

    @Test func partsBetweenTwoInTimeAndOrderForbidTheirMerge() {
        func part(_ order: ClosedRange<UInt64>, _ times: ClosedRange<Int64>) -> Manifest.Part {
            Manifest.Part(
                file: order.lowerBound,
                identifier: PartIdentifier(high: order.lowerBound, low: UInt64(times.lowerBound)),
                firstOrder: order.lowerBound, lastOrder: order.upperBound, rowCount: 10, customerCount: 1,
                byteCount: 1, minimumTime: times.lowerBound, maximumTime: times.upperBound, isThorough: false)
        }
        var table = Manifest.Table(number: 1, schema: Shop().schema)
        table.parts = [part(1...1, 0...10), part(2...2, 5...15), part(3...3, 8...20), part(4...4, 100...110)]
        let policy = CompactionPolicy(
            table: table, deletedCounts: [:], windows: TimeWindows(rowCountTarget: 1_000))
        #expect(policy.isMergeable([0, 1, 2, 3]))
        #expect(policy.isMergeable([0, 1]))
        #expect(!policy.isMergeable([0, 2]))
        // In order between them, but elsewhere in time.
        table.parts[1] = part(2...2, 50...60)
        let apart = CompactionPolicy(table: table, deletedCounts: [:], windows: TimeWindows(rowCountTarget: 1_000))
        #expect(apart.isMergeable([0, 2]))
        #expect(!apart.isMergeable([0, 3]))
    }

    @Test func timesFindTheirWindow() {
        #expect(TimeWindows.window(of: 5, []) == 0)
        #expect((0..<8).map { TimeWindows.window(of: $0, [2, 5]) } == [0, 0, 1, 1, 1, 2, 2, 2])
    }

    @Test func namesOfManifestsHaveOneSpelling() {
        #expect(StoreLayout.generation(ofManifest: "MANIFEST-00000042") == 42)
        #expect(StoreLayout.generation(ofManifest: "MANIFEST-123456789012") == 123_456_789_012)
        for name in ["MANIFEST-42", "MANIFEST-+0000042", "MANIFEST-00000042.tmp", "MANIFEST-", "manifest-00000042"] {
            #expect(StoreLayout.generation(ofManifest: name) == nil, "\(name)")
        }
    }
}

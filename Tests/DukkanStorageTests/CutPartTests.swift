import DukkanFormat
import Testing

@testable import DukkanStorage

/// What is saved of parts of several stripes that are cut off, or have lost their footer and some outlines.
@Suite struct CutPartTests {
    private static let shop = Shop(isUnique: true, allowsNullCustomer: true)

    /// A closed store of one part with three stripes, and its footer: large customers fill row blocks quickly.
    private struct Subject {
        let system = SimulatedFileSystem(seed: 1)
        let rows: [(Int, Row)]
        let footer: PartFooter
        let path: String
        let byteCount: Int

        init() throws {
            var rows: [Row] = []
            for customer in 0..<24 {
                for i in 0..<(customer % 3 == 2 ? 5 : 16_385) {
                    let time = Int64(customer * 500 + i) * 1_000_000, hasAmount = i % 3 == 0
                    rows.append(
                        Row(
                            customer: "\(customer + 3)", time: time, key: Int64(customer * 20_000 + i),
                            text: "text \(i * i % 40)", amount: hasAmount ? Int64(i) : nil,
                            value: hasAmount ? Double(i) / 4 : nil))
                }
            }
            let options = StoreOptions(threads: 2, automaticCompaction: false)
            let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
            try store.createTable(shop.schema)
            try store.append(table: shop.name, shop.batch(rows))
            try store.commit()
            // Deleted rows of the first stripe are known by their numbers, which must be right in what is left.
            var replacing = Array(rows[..<3])
            for place in replacing.indices { replacing[place].amount = 7 }
            try store.append(table: shop.name, shop.batch(replacing))
            try store.commit()
            let part = try #require(store.snapshot().tables[0].parts.first)
            footer = part.footer
            path = part.file.path
            byteCount = part.file.byteCount
            self.rows = try shop.rows(of: part)
            store.close()
            #expect(footer.stripes.count == 3 && self.rows.count == rows.count - 3)
        }

        /// Where each row block's last byte stands, and what stands before: its blocks and its stripe's outline.
        func end(ofBlock block: Int) -> Int {
            let rowBlock = footer.rowBlocks[block]
            let blocks = footer.columns.compactMap { $0.blocks.isEmpty ? nil : $0.blocks[block].location }
            return ([rowBlock.directory] + rowBlock.bitmaps.compactMap { $0 } + blocks).map(\.end).max() ?? 0
        }

        /// The keys of the rows of some row blocks.
        func keys(_ blocks: [Int]) -> Set<Int64> {
            let ranges = blocks.map { footer.rowBlocks[$0] }.map { $0.firstRow..<$0.firstRow + $0.rowCount }
            return Set(rows.filter { row in ranges.contains { $0.contains(row.0) } }.map(\.1.key))
        }

        func salvage(
            nulls: Bool = false, manifest: Bool = true, _ damage: (inout [UInt8]) -> Void
        ) throws -> (report: SalvageReport, rows: [Row]) {
            var whole: [UInt8] = []
            system.damage(path) {
                whole = $0; damage(&$0)
            }
            defer { system.damage(path) { $0 = whole } }
            let name = try #require(system.fileNames.first { $0.hasPrefix("/shop/MANIFEST") })
            var text: [UInt8] = []
            system.damage(name) {
                text = $0; if !manifest { $0[40] ^= 1 }
            }
            defer { system.damage(name) { $0 = text } }
            let report = try StoreCore.salvage(path: "/shop", into: "/saved", nullsDamaged: nulls, fileSystem: system)
            defer { for name in system.fileNames where name.hasPrefix("/saved/") { try? system.remove(name) } }
            let store = try StoreCore.open(path: "/saved", readOnly: true, fileSystem: system)
            #expect(try store.verify() == [])
            var shop = shop
            if !manifest { shop.name = "table_1" }
            return (report, try shop.rows(store.snapshot()))
        }
    }

    @Test func everyRowThatStandsBeforeTheCutIsSaved() throws {
        let subject = try Subject()
        let stripes = subject.footer.stripes
        let blocks = subject.footer.rowBlocks.indices
        // Replaced rows are in a part of their own.
        let others = 3
        var lengths = stripes.flatMap { [$0.outline.offset, $0.outline.end - 1, $0.outline.end] }
        lengths += [0, 31, 32, 40, subject.byteCount / 2, subject.byteCount - 21, subject.byteCount - 1]
        lengths += stripes.map { subject.end(ofBlock: $0.rowBlocks.lowerBound + 3) }
        lengths += stripes.map { subject.end(ofBlock: $0.rowBlocks.upperBound - 1) - 1 }
        let byKey = Dictionary(uniqueKeysWithValues: subject.rows.map { ($0.1.key, $0.1) })
        for length in lengths {
            let whole = subject.keys(blocks.filter { subject.end(ofBlock: $0) <= length })
            let saved = try subject.salvage { $0.removeLast($0.count - length) }
            let first = saved.rows.filter { byKey[$0.key] != nil }
            #expect(Set(first.map(\.key)) == whole && first.count == whole.count, "length \(length)")
            #expect(first.allSatisfy { $0 == byKey[$0.key] })
            #expect(saved.rows.count == whole.count + others)
            #expect(saved.report.tables[0].rowsLost == subject.rows.count - whole.count, "length \(length)")
            #expect(saved.report.losses.isEmpty == (whole.count == subject.rows.count))
        }
    }

    /// Deleted rows stay deleted, blocks have the numbers that they have in the part, and only damage is told.
    @Test func aPartThatMissesStripesIsVerifiedAsFarAsItIsThere() throws {
        let subject = try Subject()
        let stripes = subject.footer.stripes
        for cut in [stripes[2].outline.offset, stripes[1].outline.end + 1] {
            var whole: [UInt8] = []
            subject.system.damage(subject.path) {
                whole = $0; $0.removeLast($0.count - cut)
            }
            let findings = try StoreCore.verify(path: "/shop", fileSystem: subject.system)
            #expect(findings.allSatisfy { $0.place.file == subject.path }, "\(findings.prefix(3))")
            #expect(findings.contains { $0.message.contains("are lost") })
            subject.system.damage(subject.path) { $0 = whole }
        }
        let block = stripes[1].rowBlocks.lowerBound + 3
        let directory = subject.footer.rowBlocks[block].directory
        subject.system.damage(subject.path) { bytes in
            for place in stripes[0].outline.offset..<stripes[0].outline.end { bytes[place] ^= 0x55 }
            for place in subject.byteCount - 200..<subject.byteCount { bytes[place] = 0 }
            bytes[directory.end - 5] ^= 1
        }
        let findings = try StoreCore.verify(path: "/shop", fileSystem: subject.system)
        #expect(Set(findings.compactMap(\.place.block)) == [block], "\(findings)")
        #expect(!findings.contains { $0.message.contains("do not follow") || $0.message.contains("goes on") })
        let lost = subject.footer.rowBlocks[stripes[1].rowBlocks.lowerBound].firstRow
        #expect(findings.contains { $0.message.contains("rows 0 to \(lost - 1) are lost") })
    }

    /// A hostile outline cannot place its rows where no deletion can be.
    @Test func rowsBehindThoseOfThePartAreNotBelieved() throws {
        let subject = try Subject()
        var bytes: [UInt8] = []
        subject.system.damage(subject.path) { bytes = $0 }
        let outlines = try subject.footer.stripes.map { stripe in
            try bytes.withUnsafeBytes {
                try PartOutline(
                    parsing: UnsafeRawBufferPointer(rebasing: $0[stripe.outline.offset..<stripe.outline.end]),
                    offset: stripe.outline.offset, version: PartLimits.version, identifier: subject.footer.identifier)
            }
        }
        let rowCount = outlines[1].rowEnd
        let found = try #require(SalvagedFooter(outlines, rowCount: rowCount, fileByteCount: 1))
        #expect(found.footer.rowBlocks.count == outlines[1].blockEnd && found.missing.isEmpty)
        #expect(SalvagedFooter(outlines, rowCount: 0, fileByteCount: 1) == nil)
    }

    @Test func withoutAManifestNobodyKnowsHowManyRowsWereBehindTheCut() throws {
        let subject = try Subject()
        let length = subject.footer.stripes[2].outline.offset
        let saved = try subject.salvage(manifest: false) { $0.removeLast($0.count - length) }
        let stripe = subject.footer.stripes[2].rowBlocks
        #expect(Set(saved.rows.map(\.key)).isSuperset(of: subject.keys(Array(0..<stripe.lowerBound))))
        #expect(Set(saved.rows.map(\.key)).isDisjoint(with: subject.keys(Array(stripe))))
        #expect(saved.report.losses.map(\.rowCount) == [nil])
        #expect(
            saved.report.losses[0].reason.contains("from row \(subject.footer.rowBlocks[stripe.lowerBound].firstRow)"))
    }

    @Test func rowsOfACutStripeMayBeKeptWithNulls() throws {
        let subject = try Subject()
        let last = subject.footer.stripes[2].rowBlocks
        // Behind the keys and times of the last stripe, which cannot be null, before the rest.
        let column = try #require(subject.footer.columns.firstIndex { $0.definition.name == "text" })
        let length = subject.footer.columns[column].blocks[last.lowerBound].location.offset
        let saved = try subject.salvage(nulls: true) { $0.removeLast($0.count - length) }
        #expect(saved.rows.count == subject.rows.count + 3)
        #expect(saved.report.tables[0].rowsLost == 0)
        let keys = subject.keys(Array(last))
        #expect(saved.report.tables[0].rowsWithNulls == keys.count)
        #expect(saved.report.losses.compactMap(\.block) == Array(last))
        let nulled = saved.rows.filter { keys.contains($0.key) }
        #expect(nulled.count == keys.count)
        #expect(nulled.allSatisfy { $0.text == nil && $0.amount == nil && $0.value == nil })
    }

    /// Footer and an outline lost: the rows of that stripe are, and no others; what is damaged of the rest is named as ever.
    @Test func anOutlineThatIsGoneWithTheFooterCostsItsStripe() throws {
        let subject = try Subject()
        // With the identifier with which it begins, or without it.
        for (number, kept) in subject.footer.stripes.indices.flatMap({ [($0, 0), ($0, PartOutline.headByteCount)] }) {
            let stripe = subject.footer.stripes[number]
            let damaged = subject.footer.stripes[(number + 1) % 3].rowBlocks.lowerBound
            let directory = subject.footer.rowBlocks[damaged].directory
            let saved = try subject.salvage { bytes in
                for place in stripe.outline.offset + kept..<stripe.outline.end { bytes[place] ^= 0x55 }
                for place in subject.byteCount - 200..<subject.byteCount { bytes[place] = 0 }
                bytes[directory.end - 5] ^= 1
            }
            let lost = subject.keys(Array(stripe.rowBlocks) + [damaged])
            #expect(Set(saved.rows.map(\.key)) == Set(subject.rows.map(\.1.key)).subtracting(lost).union([0, 1, 2]))
            #expect(saved.report.tables[0].rowsLost == lost.count, "stripe \(number)")
            #expect(Set(saved.report.losses.map(\.block)) == [damaged, nil])
        }
    }
}

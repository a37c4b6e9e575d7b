import DukkanFormat
import DukkanLanguage
import DukkanQuery
import DukkanStorage
import Foundation
import Testing

/// Every way to damage a store that can be listed: found and named, or without any effect on an answer.
@Suite struct DamagedStoreTests {
    private static let image = Result {
        try StoreImage(reading: GoldenStores.folder.appending(path: GoldenStores.names[3]))
    }
    private static let oldImage = Result {
        try StoreImage(reading: GoldenStores.folder.appending(path: GoldenStores.names[0]))
    }

    /// Bytes from one that is damaged to the next: a sanitizer makes each of them ten times as dear.
    #if DUKKAN_SANITIZED
    private static let step = 7
    #else
    private static let step = 1
    #endif

    /// What opening and verifying say of a store; nil: nothing.
    private static func complaint(_ image: StoreImage) throws -> (place: DukkanError.Place, text: String)? {
        do {
            let store = try image.opened()
            defer { store.close() }
            guard let finding = try store.verify().first(where: \.isDamage) else { return nil }
            return (finding.place, finding.description)
        } catch let error as DukkanError {
            return (error.place, error.description)
        }
    }

    @Test func `the stores are sound as they are`() throws {
        for image in [try DamagedStoreTests.image.get(), try DamagedStoreTests.oldImage.get()] {
            #expect(try DamagedStoreTests.complaint(image) == nil)
        }
    }

    /// The text must tell where: the file, and in it the byte.
    private static func check(
        _ complaint: (place: DukkanError.Place, text: String)?, of path: String, _ what: String
    ) {
        guard let complaint else {
            Issue.record("\(what) is not found")
            return
        }
        let names = complaint.place.file == path && complaint.text.contains(path)
        let hasPlace = complaint.place.offset != nil && complaint.text.contains("offset")
        if !names || !hasPlace { Issue.record("\(what): \(complaint.text)") }
    }

    @Test func `every flipped bit of every file is found and named`() throws {
        let image = try DamagedStoreTests.image.get()
        for (path, bytes) in image.files {
            for place in stride(from: 0, to: bytes.count, by: DamagedStoreTests.step) {
                for bit in 0..<8 {
                    let damaged = image.changing(path) { $0[place] ^= 1 << UInt8(bit) }
                    DamagedStoreTests.check(
                        try DamagedStoreTests.complaint(damaged), of: path, "\(path), byte \(place), bit \(bit)")
                }
            }
        }
    }

    @Test func `every length to which a file may be cut is found and named`() throws {
        let image = try DamagedStoreTests.image.get()
        for (path, bytes) in image.files {
            for length in stride(from: 0, to: bytes.count, by: DamagedStoreTests.step) {
                let damaged = image.changing(path) { $0.removeLast(bytes.count - length) }
                let complaint = try DamagedStoreTests.complaint(damaged)
                #expect(complaint?.place.file == path, "\(path), \(length) bytes: \(complaint?.text ?? "nothing")")
            }
            for tail: [UInt8] in [[0], [0xFF], Array(bytes.suffix(20)), bytes] {
                let complaint = try DamagedStoreTests.complaint(image.changing(path) { $0 += tail })
                #expect(
                    complaint?.place.file == path, "\(path) and \(tail.count) bytes: \(complaint?.text ?? "nothing")")
            }
        }
    }

    @Test func `a file that is missing is named`() throws {
        let image = try DamagedStoreTests.image.get()
        for path in image.files.keys where !path.contains("MANIFEST") {
            var files = image.files
            files[path] = nil
            let complaint = try DamagedStoreTests.complaint(StoreImage(files))
            #expect(complaint?.place.file == path && complaint?.text.contains("missing") == true)
        }
    }

    @Test func `files in each other's places are found, of this store and of another`() throws {
        let image = try DamagedStoreTests.image.get(), other = try DamagedStoreTests.oldImage.get()
        var count = 0
        for (path, bytes) in image.files {
            // The same file of a store with the same tables, and every other file of either.
            for source in [image, other] {
                for (name, stranger) in source.files where stranger != bytes {
                    let complaint = try DamagedStoreTests.complaint(image.changing(path) { $0 = stranger })
                    #expect(complaint?.place.file?.hasPrefix(StoreImage.path) == true, "\(name) as \(path)")
                    count += 1
                }
            }
            var swapped = image.files
            for (name, stranger) in image.files where name != path && !name.contains("MANIFEST") {
                guard !path.contains("MANIFEST") else { continue }
                (swapped[path], swapped[name]) = (stranger, bytes)
                #expect(try DamagedStoreTests.complaint(StoreImage(swapped)) != nil, "\(name) and \(path) swapped")
                (swapped[path], swapped[name]) = (bytes, stranger)
            }
        }
        #expect(count > 50)
    }

    @Test func `a manifest under another number is found`() throws {
        let image = try DamagedStoreTests.image.get()
        let manifest = try #require(image.files.keys.first { $0.contains("MANIFEST") })
        var files = image.files
        files[manifest] = nil
        files[StoreImage.path + "/MANIFEST-00000011"] = image.files[manifest]
        let complaint = try DamagedStoreTests.complaint(StoreImage(files))
        #expect(complaint?.place.file == StoreImage.path + "/MANIFEST-00000011", "\(complaint?.text ?? "nothing")")
    }

    @Test(arguments: GoldenStores.names)
    func `a wrong bit of a footer, of any version, loses nothing that is salvaged`(_ name: String) throws {
        let folder = try ScratchFolder()
        let image = try StoreImage(reading: GoldenStores.folder.appending(path: name))
        let store = try image.opened()
        defer { store.close() }
        let expected = try DamagedStoreTests.answers(store).map { try $0.get() }
        let parts = try store.snapshot().tables.flatMap(\.parts)
        for (number, part) in parts.enumerated() {
            let bytes = try #require(image.files[part.file.path])
            let end = bytes.count - PartFooter.trailerByteCount
            let size = bytes[end..<end + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
            let start = part.footer.copyPlace?.offset ?? end - size
            for place in stride(from: start + number, to: bytes.count, by: 83) {
                let path = folder.url.appending(path: "damaged-\(number)-\(place)")
                let damaged = image.changing(part.file.path) { $0[place] ^= 1 << UInt8(place % 8) }
                try damaged.write(to: path)
                let report = try StoreCore.salvage(path: path.path(), into: path.path() + "-saved")
                #expect(report.isComplete, "\(part.file.path), byte \(place)")
                let saved = try StoreCore.open(path: path.path() + "-saved", readOnly: true)
                defer { saved.close() }
                #expect(try DamagedStoreTests.answers(saved).map { try $0.get() } == expected)
            }
        }
    }

    // MARK: Blocks

    /// Where the blocks of a part lie, with a name for each.
    private static func blocks(of part: PartHandle) -> [(name: String, location: PartFooter.BlockLocation)] {
        var blocks: [(String, PartFooter.BlockLocation)] = []
        for (number, block) in part.footer.rowBlocks.enumerated() {
            blocks.append(("directory \(number)", block.directory))
            for location in block.bitmaps.compactMap({ $0 }) { blocks.append(("bitmap of \(number)", location)) }
        }
        for (number, stripe) in part.footer.stripes.enumerated() {
            blocks.append(("outline \(number)", stripe.outline))
        }
        for column in part.footer.columns {
            for (number, block) in column.blocks.enumerated() {
                blocks.append(("\(column.definition.name) \(number)", block.location))
            }
            if let location = column.dictionary { blocks.append(("\(column.definition.name) dictionary", location)) }
            if let location = column.model { blocks.append(("\(column.definition.name) model", location)) }
        }
        return blocks
    }

    private static func parts(_ image: StoreImage) throws -> [PartHandle] {
        try image.opened().snapshot().tables.flatMap(\.parts)
    }

    @Test func `blocks in each other's places, and twice, are found`() throws {
        let image = try DamagedStoreTests.image.get()
        let parts = try DamagedStoreTests.parts(image)
        var count = 0
        for part in parts {
            let path = part.file.path
            for target in DamagedStoreTests.blocks(of: part) {
                for source in parts {
                    for other in DamagedStoreTests.blocks(of: source) {
                        let from = other.location, to = target.location
                        if source.file.path == path && from == to { continue }
                        // As much of the other block as there is room for, its end where the end must be.
                        let bytes = Array(image.files[source.file.path]![from.offset..<from.offset + from.byteCount])
                        let kept = bytes.suffix(to.byteCount)
                        let damaged = image.changing(path) {
                            $0.replaceSubrange(
                                to.offset + to.byteCount - kept.count..<to.offset + to.byteCount, with: kept)
                        }
                        if damaged.files[path]! == image.files[path]! { continue }
                        DamagedStoreTests.check(
                            try DamagedStoreTests.complaint(damaged), of: path, "\(other.name) as \(target.name)")
                        count += 1
                    }
                }
            }
        }
        #expect(count > 500)
    }

    // MARK: Queries

    private static func answers(_ store: StoreCore) throws -> [Result<[[Value]], DukkanError>] {
        let snapshot = try store.snapshot()
        let segments = ["buyers": try Parser.parseSegmentCondition("count(orders) > 1")]
        let options = EngineOptions(
            threads: 1, memoryBudgetBytes: 16 << 20, segments: segments, title: { $0.canonicalText },
            segmentTitle: { $0.canonicalText(inSegment: true) })
        return try GoldenStores.statements.map { text in
            let statement = try Parser.parse(text)[0].statement
            do {
                return .success(try Engine.run(statement, snapshot: snapshot, options: options, control: nil).rows)
            } catch let error as DukkanError {
                return .failure(error)
            }
        }
    }

    @Test func `a query that meets damage names file, column, block and offset; any other answers as before`() throws {
        let image = try DamagedStoreTests.image.get()
        let expected = try DamagedStoreTests.answers(image.opened()).map { try $0.get() }
        var refused = 0
        for part in try DamagedStoreTests.parts(image) {
            for (name, location) in DamagedStoreTests.blocks(of: part) {
                // In the frame, in the content and in the checksum.
                for place in [0, location.byteCount / 2, location.byteCount - 1] {
                    let damaged = image.changing(part.file.path) { $0[location.offset + place] ^= 0x10 }
                    for (number, answer) in try DamagedStoreTests.answers(damaged.opened()).enumerated() {
                        switch answer {
                        case .success(let rows):
                            #expect(rows == expected[number], "\(name): \(GoldenStores.statements[number])")
                        case .failure(let error):
                            refused += 1
                            #expect(error.code == .corrupt && error.place.file == part.file.path, "\(name): \(error)")
                            let text = error.description
                            #expect(
                                error.place.offset == location.offset && text.contains("offset"), "\(name): \(text)")
                            #expect(error.place.column != nil && text.contains("column"), "\(name): \(text)")
                            let isWholePart = name.hasSuffix("dictionary") || name.hasSuffix("model")
                            #expect(
                                isWholePart || text.contains("block \(error.place.block ?? -1)"), "\(name): \(text)")
                        }
                    }
                }
            }
        }
        #expect(refused > 100)
    }
}

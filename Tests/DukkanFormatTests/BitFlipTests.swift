import Foundation
import Testing

@testable import DukkanFormat

/// Every single bit of the golden files, flipped: what reads the region finds it, and tells column, block and offset.
///
/// A file is header, blocks, outlines, copy of the footer, footer and trailer without a gap, which the footer's reader
/// checks; each of them is read from its own bytes alone, so that each flip asks only what reads its region.
@Suite struct BitFlipTests {
    /// A run of bytes of a file with what reads it.
    private struct Region {
        var name: String
        var range: Range<Int>
        /// What an error must tell beside the offset.
        var column: String?
        var block: Int?
        var read: (PartFile) throws -> Void
    }

    /// Bytes from one that is damaged to the next: a sanitizer makes each of them ten times as dear.
    #if DUKKAN_SANITIZED
    private static let step = 61
    #else
    private static let step = 1
    #endif

    private static func golden(_ name: String) throws -> PartFile {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).part")
        return PartFile(bytes: Array(try Data(contentsOf: path)), identifier: GoldenTables.identifier)
    }

    private static func regions(_ file: PartFile) throws -> [Region] {
        let footer = try file.footer()
        var regions: [Region] = []
        func add(
            _ name: String, _ location: PartFooter.BlockLocation?, _ column: String?, _ block: Int?,
            _ read: @escaping (UnsafeRawBufferPointer) throws -> Void
        ) {
            guard let location else { return }
            regions.append(
                Region(
                    name: name, range: location.offset..<location.offset + location.byteCount, column: column,
                    block: block
                ) { file in
                    try file.bytes.withUnsafeBytes {
                        try read(
                            UnsafeRawBufferPointer(rebasing: $0[location.offset..<location.offset + location.byteCount])
                        )
                    }
                })
        }
        let customers = CustomerBlock(), bitmap = RowBitmap()
        for (block, rowBlock) in footer.rowBlocks.enumerated() {
            add("directory", rowBlock.directory, nil, block) {
                try PartDecoder.decodeCustomers($0, footer: footer, block: block, into: customers)
            }
            for (number, location) in rowBlock.bitmaps.enumerated() {
                add("bitmap", location, nil, block) {
                    try PartDecoder.decodeBitmap($0, footer: footer, block: block, bitmap: number, into: bitmap)
                }
            }
        }
        for (column, entry) in footer.columns.enumerated() where entry.definition.role != .customer {
            let name = entry.definition.name, vector = ColumnVector(entry.definition.type.physical)
            add("dictionary", entry.dictionary, name, nil) {
                _ = try PartDecoder.decodeDictionary($0, footer: footer, column: column)
            }
            add("model", entry.model, name, nil) {
                _ = try PartDecoder.decodeModel($0, footer: footer, column: column)
            }
            for (block, columnBlock) in entry.blocks.enumerated() {
                // The checksum is looked at before anything else, so that what the block refers to is not needed.
                add("values", columnBlock.location, name, block) {
                    try PartDecoder.decodeColumn(
                        $0, footer: footer, column: column, block: block, customers: customers, dictionary: nil,
                        into: vector)
                }
            }
        }
        if let copy = footer.copyPlace {
            let range = copy.offset..<copy.offset + copy.byteCount
            regions.append(Region(name: "copy of the footer", range: range) { try $0.checkSpares() })
        }
        for (number, stripe) in footer.stripes.enumerated() {
            add("outline", stripe.outline, nil, nil) { try footer.checkOutline($0, ofStripe: number) }
        }
        let end = file.bytes.count - PartFooter.trailerByteCount
        let size = file.bytes[end..<end + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        for (name, range) in [
            ("header", 0..<PartFooter.headerByteCount), ("footer", end - size..<end),
            ("trailer", end..<file.bytes.count),
        ] {
            regions.append(Region(name: name, range: range) { _ = try $0.footer() })
        }
        return regions.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    @Test(arguments: GoldenTables.names) func `the regions cover the file`(_ name: String) throws {
        let file = try BitFlipTests.golden(name)
        var end = 0
        for region in try BitFlipTests.regions(file) {
            #expect(region.range.lowerBound == end, "\(region.name)")
            end = region.range.upperBound
        }
        #expect(end == file.bytes.count)
    }

    @Test(arguments: GoldenTables.names) func `every flipped bit is found where it is`(_ name: String) throws {
        var file = try BitFlipTests.golden(name)
        var places = 0
        for region in try BitFlipTests.regions(file) {
            var faults: [String] = []
            places += region.range.count
            for place in stride(from: region.range.lowerBound, to: region.range.upperBound, by: BitFlipTests.step) {
                for bit in 0..<8 {
                    file.bytes[place] ^= 1 << UInt8(bit)
                    defer { file.bytes[place] ^= 1 << UInt8(bit) }
                    do {
                        try region.read(file)
                        faults.append("byte \(place), bit \(bit) is not found")
                    } catch let error as DukkanError {
                        let hasPlace =
                            error.place.column == region.column && error.place.block == region.block
                            && error.place.offset != nil
                        if error.code != .corrupt && error.code != .unsupportedVersion || !hasPlace {
                            faults.append("byte \(place), bit \(bit): \(error)")
                        }
                    }
                }
            }
            #expect(faults.isEmpty, "\(region.name): \(faults.prefix(3))")
        }
        #expect(places == file.bytes.count)
    }
}

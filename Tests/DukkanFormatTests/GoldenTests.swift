import Testing

@testable import DukkanFormat

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Files of each format version that were written once: every later release reads them, value by value.
///
/// `DUKKAN_RECORD_GOLDEN=1` writes those of the current version anew; that is right only before it is released.
@Suite struct GoldenTests {
    private static func path(_ name: String) -> String {
        let directory = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        return "/\(directory)/Golden/\(name).part"
    }

    private static func bytes(_ name: String) throws -> [UInt8] {
        let file = try #require(fopen(path(name), "rb"), "\(path(name)) is missing")
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let count = ftell(file)
        rewind(file)
        return [UInt8](unsafeUninitializedCapacity: count) { $1 = fread($0.baseAddress!, 1, count, file) }
    }

    @Test(
        .enabled(if: getenv("DUKKAN_RECORD_GOLDEN") != nil),
        arguments: GoldenTables.names.filter { $0.hasPrefix("v\(PartLimits.version)") })
    func record(_ name: String) throws {
        let part = try PartFile.write(
            GoldenTables.table(name), partDictionaries: GoldenTables.partDictionaries(name),
            identifier: GoldenTables.identifier)
        let file = try #require(fopen(GoldenTests.path(name), "wb"))
        defer { fclose(file) }
        #expect(fwrite(part.bytes, 1, part.bytes.count, file) == part.bytes.count)
    }

    @Test(arguments: GoldenTables.names)
    func filesOfEveryVersionAreRead(_ name: String) throws {
        let file = PartFile(bytes: try GoldenTests.bytes(name), identifier: GoldenTables.identifier)
        let expected = GoldenTables.table(name)
        #expect(name.hasPrefix("v\(try file.footer().version)-"))
        let read = try file.read()
        #expect(read.columns == expected.columns)
        for column in expected.columns.indices {
            #expect(read.cells[column] == expected.cells[column], "column \(expected.columns[column].name)")
        }
    }

    @Test func theFilesHoldEveryForm() throws {
        var forms: Set<Substring> = []
        for name in GoldenTables.names {
            let file = PartFile(bytes: try GoldenTests.bytes(name), identifier: GoldenTables.identifier)
            let footer = try file.footer()
            for column in footer.columns.indices {
                for (block, columnBlock) in footer.columns[column].blocks.enumerated() {
                    let text = try file.withBlock(columnBlock.location) {
                        try PartDecoder.describe($0, footer: footer, column: column, block: block)
                    }
                    forms.formUnion(text.split { !$0.isLetter && $0 != "-" })
                }
            }
        }
        let all: Set<Substring> = [
            "constant", "for", "rle", "scaled", "delta", "dictionary", "frequent", "customer-delta", "decimal", "bits",
            "split", "front-coded", "pattern", "lz", "null-bitmap", "null-runs", "null", "ranks", "runs", "shared-runs",
            "predicted",
            "looked-up", "null-shared", "null-reference",
        ]
        #expect(all.subtracting(forms).isEmpty)
    }
}

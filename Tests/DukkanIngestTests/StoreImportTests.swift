import Dispatch
import DukkanFormat
import DukkanStorage
import Testing

@testable import DukkanIngest

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct StoreImportTests {
    private let schema = MemoryTarget.schema(["c int !", "t timestamp @", "s string"])

    private func lines(_ rows: Int) -> [UInt8] {
        Array(("c,t,s\n" + (0..<rows).map { "\($0 % 1_000),2025-01-02,v\($0)\n" }.joined()).utf8)
    }

    /// A store in a directory of its own, removed afterwards.
    private func withStore(_ body: (StoreCore, _ path: String) throws -> Void) throws {
        let scratch = Scratch()
        let path = scratch.path + "/store"
        let store = try StoreCore.create(path: path, options: StoreOptions())
        defer {
            store.close()
            let shell = "rm -rf '\(path)'"
            _ = shell.withCString { system($0) }
        }
        try store.createTable(schema)
        try store.commit(control: nil)
        try body(store, path)
    }

    @Test func rowsAreCommitted() throws {
        try withStore { store, path in
            var options = ImportOptions()
            options.chunkBytes = 10_000
            let inputs = [ImportInput(bytes: lines(20_000), name: "a"), ImportInput(bytes: lines(10), name: "b")]
            let report = try Importer(target: store, inputs: inputs, options: options).run(into: "t")
            #expect(report.rowsImported == 20_010)
            let reader = try StoreCore.open(path: path, readOnly: true, options: StoreOptions())
            defer { reader.close() }
            #expect(try reader.snapshot().table(named: "t")?.rowCount == 20_010)
        }
    }

    @Test func aBadRowLeavesTheStoreAsItWas() throws {
        try withStore { store, path in
            let before = try store.snapshot().generation
            var options = ImportOptions()
            options.chunkBytes = 10_000
            let input = ImportInput(bytes: lines(20_000) + Array("x,y,z\n".utf8), name: "a")
            let error = #expect(throws: DukkanError.self) {
                try Importer(target: store, inputs: [input], options: options).run(into: "t")
            }
            #expect(error?.place.line == 20_002)
            #expect(try store.snapshot().generation == before && store.snapshot().table(named: "t")?.rowCount == 0)
            // The writer goes on: the next import is not disturbed by what was rolled back.
            _ = try Importer(target: store, inputs: [ImportInput(bytes: lines(5), name: "b")], options: options).run(
                into: "t")
            #expect(try store.snapshot().table(named: "t")?.rowCount == 5)
        }
    }

    @Test func columnsOfAFailedImportAreNotAdded() throws {
        try withStore { store, _ in
            var options = ImportOptions()
            options.addsColumns = true
            let bad = ImportInput(bytes: Array("c,t,extra\n1,2025-01-02,5\nx,2025-01-02,6\n".utf8), name: "a")
            #expect(throws: DukkanError.self) {
                try Importer(target: store, inputs: [bad], options: options).run(into: "t")
            }
            #expect(try store.schema(of: "t").columns.count == 3)
            let good = ImportInput(bytes: Array("c,t,extra\n1,2025-01-02,5\n".utf8), name: "a")
            _ = try Importer(target: store, inputs: [good], options: options).run(into: "t")
            #expect(try store.schema(of: "t").column(named: "extra") == 3)
        }
    }

    /// A pipe can be read once only: what was looked at to find out the types is imported all the same.
    @Test func aPipeIsLookedAtAndImportedInOnePass() throws {
        let scratch = Scratch()
        let path = scratch.path + "/pipe"
        try #require(mkfifo(path, 0o600) == 0)
        let bytes = gzip(
            Array("customer,day,v\n".utf8) + (0..<30_000).flatMap { Array("\($0 % 7),2025-01-02,\($0)\n".utf8) })
        DispatchQueue.global().async {
            let file = fopen(path, "w")
            bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
            fclose(file)
        }
        var options = ImportOptions()
        options.sampleBytes = 5_000
        options.chunkBytes = 3_000
        let target = MemoryTarget("c int !")
        let importer = Importer(target: target, inputs: [ImportInput(path: path)], options: options)
        let inferred = try importer.inferSchema(table: "t")
        #expect(!inferred.isWhole && inferred.rowCount < 1_000)
        target.schema = try #require(inferred.table)
        let report = try importer.run(into: "t")
        #expect(report.rowsImported == 30_000 && target.rows[29_999][2] == "29999")
    }
}

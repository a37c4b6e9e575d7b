import CZlib
import DukkanFormat
import DukkanStorage
import DukkanTime
import Synchronization
import Testing

@testable import DukkanIngest

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A directory that is removed at the end.
final class Scratch {
    let path: String

    init() {
        var template = Array("/tmp/dukkan-ingest-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            unlink(path + "/" + name)
        }
        closedir(directory)
        rmdir(path)
    }

    func write(_ name: String, _ bytes: [UInt8]) -> String {
        let file = fopen(path + "/" + name, "w")
        bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
        fclose(file)
        return path + "/" + name
    }

    func read(_ name: String) -> String {
        guard let file = fopen(path + "/" + name, "r") else { return "∅" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }

    func mode(_ name: String) -> mode_t {
        var status = stat()
        return stat(path + "/" + name, &status) == 0 ? status.st_mode & 0o777 : 0
    }
}

func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var stream = z_stream()
    precondition(
        deflateInit2_(
            &stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK)
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1_000)
    let capacity = output.count
    input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(capacity)
            precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
        }
    }
    return Array(output.prefix(capacity - Int(stream.avail_out)))
}

@Suite struct ImportTests {
    private func target(allowsNullCustomer: Bool = false) -> MemoryTarget {
        MemoryTarget("c int !", "t timestamp @", "s string", allowsNullCustomer: allowsNullCustomer)
    }

    private func text(rows: Int) -> String {
        "c,t,s\n"
            + (0..<rows).map { "\($0 % 97),2025-01-02 00:00:\($0 % 60 < 10 ? "0" : "")\($0 % 60),name \($0 % 13)\n" }
            .joined()
    }

    @Test func gzipIsUnpackedAlsoOfSeveralMembers() throws {
        let plain = try imported(text(rows: 5_000), into: target())
        let bytes = Array(text(rows: 5_000).utf8)
        for packed in [gzip(bytes), gzip(Array(bytes[..<777])) + gzip(Array(bytes[777...])) + [0, 0, 0]] {
            let target = target()
            _ = try report(packed, into: target) { $0.chunkBytes = 1_000 }
            #expect(target.rows.map { $0.map { $0 ?? "∅" }.joined(separator: "|") } == plain)
        }
    }

    @Test func damagedGzipIsAnError() throws {
        let packed = gzip(Array(text(rows: 5_000).utf8))
        var damaged = packed
        damaged[packed.count / 2] ^= 0xFF
        for bytes in [Array(packed.dropLast(20)), damaged] {
            let target = target()
            let error = #expect(throws: DukkanError.self) { try report(bytes, into: target) { $0.chunkBytes = 1_000 } }
            // Damage may also show as a bad row before the checksum is reached.
            #expect(error?.code == .invalidInput || error?.code == .invalidRow)
            #expect(target.committed.isEmpty && target.rows.isEmpty)
        }
    }

    @Test func anyNumberOfThreadsGivesTheSameRowsInTheSameOrder() throws {
        let expected = try imported(text(rows: 3_000), into: target()) { $0.threads = 1 }
        #expect(expected.count == 3_000)
        for threads in [2, 3, 8] {
            for chunk in [10, 100, 5_000] {
                let rows = try imported(text(rows: 3_000), into: target()) {
                    $0.threads = threads
                    $0.chunkBytes = chunk
                }
                #expect(rows == expected)
            }
        }
    }

    @Test func theEarliestBadRowIsTheOneReported() throws {
        var lines = text(rows: 2_000).split(separator: "\n").map(String.init)
        for line in [1_500, 700, 1_999, 900] { lines[line] = "x,2025-01-02,y" }
        for threads in [1, 4] {
            let error = #expect(throws: DukkanError.self) {
                try report(lines.joined(separator: "\n"), into: target()) {
                    $0.threads = threads
                    $0.chunkBytes = 300
                }
            }
            #expect(error?.place.line == 701)
        }
    }

    @Test func badRowsAreSetAsideInAFileOfTheOwner() throws {
        let scratch = Scratch()
        let path = scratch.path + "/rejects.csv"
        let text =
            "c,t,s\n1,2025-01-02,\"a\nb\"\nx,2025-01-02,\"q\"\"r\"\n2,2025-01-02,y\n3,,z\n4,2025\n,2025-01-02,w\n5,2025-01-02,v\n"
        for _ in 0..<2 {
            let target = target()
            let report = try report(text, into: target) {
                $0.rejectsPath = path
                $0.chunkBytes = 16
            }
            #expect(target.committed.map { $0[0] } == ["1", "2", "5"])
            #expect(report.rowsRead == 7 && report.rowsImported == 3 && report.rowsRejected == 4)
            #expect(report.warnings.contains { $0.contains("4 bad rows") })
            #expect(
                scratch.read("rejects.csv") == """
                    file,line,column,reason,row
                    text,4,c,"\"\"x\"\": is no number; the column is INT","x,2025-01-02,\"\"q\"\"\"\"r\"\"\"
                    text,6,t,the row has no time,"3,,z"
                    text,7,,2 fields where 3 are expected,"4,2025"
                    text,8,c,the row has no customer,",2025-01-02,w"

                    """)
            #expect(scratch.mode("rejects.csv") == 0o600)
        }
    }

    @Test func aFileThatIsNoRejectsFileIsLeftAlone() throws {
        let scratch = Scratch()
        let path = scratch.write("precious.csv", Array("do not touch\n".utf8))
        let target = target()
        let error = #expect(throws: DukkanError.self) {
            try report(text(rows: 3), into: target) { $0.rejectsPath = path }
        }
        #expect(error?.code == .alreadyExists)
        #expect(scratch.read("precious.csv") == "do not touch\n")
        symlink(path, scratch.path + "/link.csv")
        #expect(throws: DukkanError.self) {
            try report(text(rows: 3), into: target) { $0.rejectsPath = scratch.path + "/link.csv" }
        }
        #expect(target.commits == 0)
    }

    @Test func rowsWithoutACustomerAreRefusedDroppedOrKept() throws {
        let text = "c,t,s\n1,2025-01-02,x\n,2025-01-02,y\n\"\",2025-01-02,z\n2,2025-01-02,w\n"
        #expect(throws: DukkanError.self) { try report(text, into: target()) }
        let dropping = target()
        let dropped = try report(text, into: dropping) { $0.anonymousRows = .drop }
        #expect(dropped.rowsDropped == 2 && dropped.rowsImported == 2 && dropping.rows.map { $0[2] } == ["x", "w"])
        let keeping = target(allowsNullCustomer: true)
        let kept = try report(text, into: keeping) { $0.anonymousRows = .keep }
        #expect(kept.rowsDropped == 0 && keeping.rows.map { $0[0] } == ["1", nil, nil, "2"])
        let error = #expect(throws: DukkanError.self) { try report(text, into: target()) { $0.anonymousRows = .keep } }
        #expect(error?.code == .invalidArgument)
    }

    @Test func anEmptyTextIsNoCustomer() throws {
        let target = MemoryTarget("c string !", "t timestamp @")
        let report = try report("c,t\n\"\",2025-01-02\na,2025-01-02\n", into: target) { $0.anonymousRows = .drop }
        #expect(report.rowsDropped == 1 && target.rows.map { $0[0] } == ["a"])
    }

    @Test func rowsOfTheFutureAreReported() throws {
        let text = "c,t,s\n1,2026-06-01 23:59:59,x\n1,2026-06-02,x\n1,2026-06-02 00:00:01,x\n1,2027-01-01,x\n"
        let report = try report(text, into: target())
        #expect(report.rowsInFuture == 2)
        #expect(report.warnings == ["2 rows are later than tomorrow, up to 2027-01-01T00:00:00Z"])
    }

    @Test func columnsAreAddedWithTheTypesOfTheWholeFile() throws {
        let target = target()
        let lines = (0..<500).map {
            "\($0),2025-01-02,x,\($0 == 499 ? "1.25" : "3"),\($0 % 2 == 0 ? "true" : "false"),12/31/2024\n"
        }
        let report = try report("c,t,s,price,flag,seen\n" + lines.joined(), into: target) {
            $0.addsColumns = true
            $0.sampleBytes = 100
            $0.chunkBytes = 1_000
        }
        #expect(report.addedColumns.map(\.type) == [.decimal(scale: 2), .bool, .date])
        #expect(target.rows[0] == ["0", "2025-01-02T00:00:00Z", "x", "3.00", "true", "2024-12-31"])
    }

    @Test func progressCountsRowsAndBytes() throws {
        let seen = Mutex<[WorkControl.Progress]>([])
        let control = WorkControl(progress: { state in seen.withLock { $0.append(state) } })
        let bytes = Array(text(rows: 1_000).utf8)
        var options = ImportOptions()
        options.chunkBytes = 1_000
        let importer = Importer(
            target: target(), inputs: [ImportInput(bytes: bytes, name: "a"), ImportInput(bytes: bytes, name: "b")],
            options: options)
        let report = try importer.run(into: "t", control: control)
        #expect(report.bytesRead == 2 * bytes.count && report.rowsRead == 2_000)
        let states = seen.withLock { $0 }
        #expect(states.allSatisfy { $0.bytesTotal == 2 * bytes.count } && states.last?.rowsDone == 2_000)
        #expect(
            zip(states, states.dropFirst()).allSatisfy { $0.bytesDone <= $1.bytesDone && $0.rowsDone < $1.rowsDone })
    }

    @Test func cancellingRollsBack() throws {
        let target = target()
        let control = WorkControl(progress: { _ in })
        control.cancel()
        let importer = Importer(
            target: target, inputs: [ImportInput(bytes: Array(text(rows: 100).utf8), name: "a")],
            options: ImportOptions())
        let error = #expect(throws: DukkanError.self) { try importer.run(into: "t", control: control) }
        #expect(error?.code == .cancelled && target.rollbacks == 1 && target.committed.isEmpty)
    }

    @Test func aBadSecondFileLeavesNothingOfTheFirst() throws {
        let target = target()
        let inputs = [
            ImportInput(bytes: Array(text(rows: 10).utf8), name: "a"),
            ImportInput(bytes: Array("c,t,s\nx,y,z\n".utf8), name: "b"),
        ]
        let error = #expect(throws: DukkanError.self) {
            try Importer(target: target, inputs: inputs, options: ImportOptions()).run(into: "t")
        }
        #expect(error?.place.file == "b" && target.rows.isEmpty)
    }

    @Test func filesThatAreNotThereAreNamed() throws {
        let importer = Importer(
            target: target(), inputs: [ImportInput(path: "/nonexistent/x.csv")], options: ImportOptions())
        let error = #expect(throws: DukkanError.self) { try importer.run(into: "t") }
        #expect(error?.code == .notFound && error?.place.file == "/nonexistent/x.csv")
        let directory = Importer(target: target(), inputs: [ImportInput(path: "/tmp")], options: ImportOptions())
        #expect(throws: DukkanError.self) { try directory.run(into: "t") }
    }

    @Test func aRowWithoutEndIsRefusedWithinTheLimit() throws {
        let bytes =
            Array("c,t,s\n1,2025-01-02,\"".utf8) + [UInt8](repeating: 120, count: ImportOptions.rowBytesMax + 5_000_000)
        let error = #expect(throws: DukkanError.self) { try report(bytes, into: target()) }
        #expect(error?.code == .invalidInput && error?.message.contains("longer than") == true)
    }

    /// Rows from a seed, written by the rules of RFC 4180, come back as they were.
    @Test(arguments: 0..<UInt64(40)) func randomTextsSurviveTheRoundTrip(_ seed: UInt64) throws {
        var state = seed &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let pieces = ["a", "\"", ",", "\n", "\r\n", " ", "é", "😀", "x\"y", "longer text without anything", "\t", ""]
        var text = "c,t,s\r\n"
        var expected: [String] = []
        for row in 0..<60 {
            var value = ""
            for _ in 0..<next(6) { value += pieces[next(pieces.count)] }
            let needsQuotes =
                value.isEmpty || value.unicodeScalars.contains { "\",\n\r".unicodeScalars.contains($0) } || next(2) == 0
            let field = needsQuotes ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
            text += "\(row),2025-01-02,\(field)" + (next(2) == 0 ? "\n" : "\r\n")
            expected.append(value)
        }
        for chunk in [1, 5, 64, 257, 10_000] {
            let target = target()
            _ = try report(text, into: target) {
                $0.chunkBytes = chunk
                $0.threads = 2
            }
            #expect(target.rows.map { $0[2] } == expected, "seed \(seed), chunks of \(chunk)")
        }
    }

    @Test(arguments: 0..<UInt64(60)) func randomBytesNeverTrapAndGiveTheSameForEveryChunkSize(_ seed: UInt64) throws {
        var state = seed &* 77 &+ 5
        let alphabet = Array("12,\"\n\r; a-x".utf8) + [0xC3]
        var bytes = Array("c,t,s\n".utf8)
        for _ in 0..<400 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            if state >> 60 == 3 { bytes += Array("\n3,2025-01-02,ok\n".utf8) }
        }
        var first: [[String?]]?
        var firstRejects: String?
        for chunk in [1, 3, 64, 10_000] {
            let scratch = Scratch()
            let target = target()
            _ = try report(bytes, into: target) {
                $0.rejectsPath = scratch.path + "/r.csv"
                $0.chunkBytes = chunk
                $0.separator = ","
            }
            let rejects = scratch.read("r.csv")
            #expect(first == nil || first! == target.rows, "seed \(seed), chunks of \(chunk)")
            #expect(firstRejects == nil || firstRejects! == rejects, "seed \(seed), chunks of \(chunk)")
            (first, firstRejects) = (target.rows, rejects)
        }
    }
}

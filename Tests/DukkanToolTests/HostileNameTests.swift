import Foundation
import Testing

/// Names of files, tables and columns, statements and what stands in files, made to do harm to a terminal or a path.
struct HostileNameTests {
    /// Sets the window's title, rings, and turns all that follows red.
    private static let escape = "\u{1B}]0;x\u{7}\u{1B}[31m"
    /// Turns the direction of what follows.
    private static let override = "\u{202E}"

    private let folder: ToolProcess.Folder
    private let store: String

    init() throws {
        folder = try ToolProcess.Folder()
        store = folder.path("shop.dukkan")
        try ToolProcess.run(["init", store], in: folder)
        let made = try ToolProcess.run(
            ["query", store, "CREATE TABLE good (customer INT CUSTOMER, at TIMESTAMP TIME, note STRING)"], in: folder)
        try #require(made.code == 0, "\(made.errors)")
    }

    private func isHarmless(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            scalar == "\n" || scalar == "\t"
                || scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
                    && !(0x202A...0x202E).contains(scalar.value) && !(0x2066...0x2069).contains(scalar.value)
        }
    }

    private func runs(_ arguments: [String], with code: Int32? = nil) throws {
        let ending = try ToolProcess.run(arguments, in: folder)
        if let code { #expect(ending.code == code, "\(arguments): \(ending.errors)") }
        #expect(ending.code >= 0, "\(arguments): ended by signal \(-ending.code)")
        #expect(isHarmless(ending.errors), "\(arguments): \(ending.errors.debugDescription)")
        #expect(isHarmless(ending.output), "\(arguments): \(ending.output.debugDescription)")
    }

    @Test func `nothing that a name holds reaches the terminal as a control character`() throws {
        for bad in [Self.escape, Self.override] {
            for statement in [
                "CREATE TABLE \"a\(bad)\" (customer INT CUSTOMER, at TIMESTAMP TIME)", "SELECT \(bad) FROM good",
                "SELECT \"\(bad)\" FROM good", "SELECT note FROM \"\(bad)\"", "SELECT 'a\(bad)' FROM good WHERE",
                "DEFINE SEGMENT \"\(bad)\" AS count(good) > 1", "EXPLAIN SELECT note FROM good WHERE note = '\(bad)'",
            ] { try runs(["query", store, statement]) }
            try runs(["query", "none\(bad)", "SHOW TABLES"], with: 1)
            try runs(["describe", store, bad], with: 1)
            try runs(["erase", store, "--customer", bad], with: 1)
            try runs(["import", store, "good", "none\(bad).csv"], with: 1)
            try runs(["import", store, bad, "none.csv"])
            try runs(["nothing\(bad)"], with: 64)
            try runs(["query", store, "--\(bad)"], with: 64)
            let named = folder.path("st\(bad).dukkan")
            for command in ["init", "verify", "tables", "compact"] { try runs([command, named], with: 0) }
        }
    }

    @Test func `what stands in a file is shown without its control characters`() throws {
        for (number, bad) in [Self.escape, Self.override].enumerated() {
            try folder.write("customer,at,note\n1,2025-01-01 00:00:00,\"a\(bad)b\"\n", to: "f\(number)\(bad).csv")
            try runs(["import", store, "good", "f\(number)\(bad).csv"], with: 0)
            try folder.write("customer,at,no\(bad)te\n1,x\(bad)x,a\n", to: "bad.csv")
            try runs(["import", store, "good", "bad.csv"])
            try runs(["import", store, "new", "bad.csv", "--customer", "customer", "--time", "at"])
            try folder.write("customer,at,note\n1\(bad),2025-01-01 00:00:00,a\n", to: "bad.csv")
            try runs(["import", store, "good", "bad.csv"])
        }
        try runs(["query", store, "SELECT note, count(*) FROM good GROUP BY note"], with: 0)
        try runs(["inspect", store], with: 0)
        try runs(["tables", store], with: 0)
    }

    @Test func `names that are long, or look like paths or statements, are names`() throws {
        let long = String(repeating: "n", count: 10_000)
        for name in [
            long, "../../etc/passwd", "/etc/passwd", "a\u{0}b", "a\nb", "'; DROP TABLE good; --", "\"", "..", "%s%n",
            "",
        ] {
            let quoted = "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
            // A process takes no argument with a zero in it; a file of statements does.
            try folder.write(
                "CREATE TABLE \(quoted) (customer INT CUSTOMER, at TIMESTAMP TIME);\nSELECT count(*) FROM \(quoted);",
                to: "statements.dukkan")
            try runs(["query", store, "--file", "statements.dukkan"])
        }
        let outside = try FileManager.default.contentsOfDirectory(atPath: folder.url.path()).sorted()
        #expect(outside == ["shop.dukkan", "statements.dukkan"])
        let count = try ToolProcess.run(["query", store, "SELECT count(*) FROM good", "--format", "csv"], in: folder)
        #expect(count.output.hasSuffix("\n0\n"), "the table good is still there")
        let parts = try FileManager.default.contentsOfDirectory(atPath: store).sorted()
        #expect(parts.count == 3, "\(parts)")
        try runs(["verify", store], with: 0)
    }
}

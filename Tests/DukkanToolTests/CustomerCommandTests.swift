import Foundation
import Testing

/// Exporting and erasing customers, copying and salvaging stores, as a person does it.
struct CustomerCommandTests {
    private let folder: ToolProcess.Folder
    private let store: String

    init() throws {
        folder = try ToolProcess.Folder()
        store = folder.path("shop.dukkan")
        let rows = [
            "-7,2025-01-02T03:04:05.000001Z,Zoé \"Z\",9223372036854775807,0.10,true",
            "-7,2025-01-01T00:00:00Z,only hers: ümlaut,,-12345678901234.56,false",
            "8,2025-01-03T00:00:00Z,somebody else,3,1.00,true",
        ]
        let head = "customer_id,at,note,points,paid,flag\n"
        func quoted(_ row: String) -> String {
            var fields = row.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            fields[2] = "\"" + fields[2].replacingOccurrences(of: "\"", with: "\"\"") + "\""
            return fields.joined(separator: ",")
        }
        try folder.write(head + rows.map(quoted).joined(separator: "\n") + "\n", to: "visits.csv")
        try succeeds(["init", store])
        try succeeds([
            "query", store,
            "CREATE TABLE visits (customer_id INT CUSTOMER, at TIMESTAMP TIME, note STRING, points INT, "
                + "paid DECIMAL(2), flag BOOL); CREATE TABLE \"odd/../name\" (customer_id INT CUSTOMER, "
                + "at TIMESTAMP TIME); DEFINE SEGMENT payers AS sum(visits.paid) > 0",
        ])
        try succeeds(["import", store, "visits", folder.path("visits.csv")])
        try folder.write("customer_id,at\n-7,2025-01-01T00:00:00Z\n", to: "odd.csv")
        try succeeds(["import", store, "odd/../name", folder.path("odd.csv")])
    }

    @discardableResult
    private func succeeds(_ arguments: [String], code: Int32 = 0) throws -> String {
        let ending = try ToolProcess.run(arguments, in: folder)
        try #require(ending.code == code, "\(arguments): \(ending.code) \(ending.errors)")
        return ending.output
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func `an export holds every row exactly`() throws {
        let text = try succeeds(["export", store, "--customer", "-7"])
        for exact in [
            "\"note\": \"Zoé \\\"Z\\\"\"", "\"points\": 9223372036854775807", "\"paid\": -12345678901234.56",
            "\"at\": \"2025-01-02T03:04:05.000001Z\"", "\"customer\": -7",
        ] {
            #expect(text.contains(exact), "\(exact)")
        }
        let export = try object(text)
        let tables = try #require(export["tables"] as? [[String: Any]])
        let rows = try #require(tables.first { $0["table"] as? String == "visits" }?["rows"] as? [[String: Any]])
        #expect(rows.map { $0["flag"] as? Bool } == [false, true])
        #expect(rows[0]["points"] is NSNull)
        let segments = try #require(export["segments"] as? [[String: Any]])
        #expect(segments.count == 0)
        #expect(try succeeds(["export", store, "--customer", "8"]).contains("\"contains_customer\": true"))
        #expect(!text.contains("somebody else"))

        let out = folder.path("hers")
        try succeeds(["export", store, "--customer", "-7", "--format", "csv", "--out", out])
        #expect(try FileManager.default.contentsOfDirectory(atPath: out).sorted() == ["table-2.csv", "visits.csv"])
        let lines = try String(contentsOfFile: out + "/visits.csv", encoding: .utf8)
        #expect(lines.contains("-7,2025-01-01T00:00:00Z,only hers: ümlaut,,-12345678901234.56,false\n"))
        let mode = try FileManager.default.attributesOfItem(atPath: out + "/visits.csv")[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func `an erasure leaves no byte, a receipt without the key, and names the copy`() throws {
        try succeeds(["backup", store, folder.path("copy")])
        let text = try succeeds([
            "erase", store, "--customer", "-7", "--customer", "4711", "--receipt", folder.path("receipt.json"),
        ])
        #expect(text.contains("1 of 2 customers found, 3 rows erased"))
        #expect(text.contains("/copy  (generation"))
        let receipt = try String(contentsOfFile: folder.path("receipt.json"), encoding: .utf8)
        #expect(!receipt.contains("4711"))
        let kept = try object(receipt)
        #expect(kept["customers_found"] as? Int == 1)
        #expect(kept["rows"] as? Int == 3)
        #expect((kept["copies"] as? [Any])?.count == 1)
        for word in ["Zoé", "only hers"] { #expect(try files(of: "shop.dukkan", containing: word) == []) }
        #expect(try !files(of: "shop.dukkan", containing: "somebody else").isEmpty)
        #expect(try !files(of: "copy", containing: "only hers").isEmpty)
        #expect(try succeeds(["backup", store, "--list"]).contains("may have erased customers"))
        try succeeds(["backup", store, folder.path("copy")])
        #expect(try files(of: "copy", containing: "only hers") == [])
        #expect(try succeeds(["backup", store, "--list"]).contains("may have erased customers") == false)
        #expect(try succeeds(["verify", folder.path("copy")]).contains("all is well"))
        // Again: she is not known any more, which is no failure.
        #expect(try succeeds(["erase", store, "--customer", "-7"]).contains("0 of 1 customers found"))
        // The receipt of before is not overwritten, and nothing is erased without one.
        let ending = try ToolProcess.run(
            ["erase", store, "--customer", "8", "--receipt", folder.path("receipt.json")], in: folder)
        #expect(ending.code == 1)
        #expect(try succeeds(["export", store, "--customer", "8"]).contains("somebody else"))
    }

    @Test func `what is in the way of an erasure is told`() throws {
        try succeeds(["query", store, "CREATE TABLE customers (customer_id INT CUSTOMER, at TIMESTAMP TIME)"])
        try succeeds(["query", store, "DEFINE SEGMENT friends AS customer_id IN (8, 9)"])
        let refused = try ToolProcess.run(["erase", store, "--customer", "8"], in: folder)
        #expect(refused.code == 1)
        #expect(refused.errors.contains("friends") && refused.errors.contains("nothing was erased"))
        try succeeds(["query", store, "DROP SEGMENT friends"])
        try folder.write("8\n\n4711\n", to: "asked.txt")
        try folder.write("", to: "shop.dukkan/rejects.csv")
        let text = try succeeds(["erase", store, "--customers", folder.path("asked.txt"), "--format", "json"], code: 2)
        #expect(try object(text)["not_examined"] as? [String] == [store + "/rejects.csv"])
        #expect(try ToolProcess.run(["erase", store, "--customer", "x"], in: folder).code == 1)
        #expect(try ToolProcess.run(["erase", store], in: folder).code == 64)
    }

    @Test func `all damage is listed and the rest is saved`() throws {
        let parts = URL(filePath: store).appending(path: "parts")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: parts.path()).first { $0.hasPrefix("t1-") })
        let whole = try Data(contentsOf: parts.appending(path: name))
        func damage(_ change: (inout Data) -> Void) throws {
            var bytes = whole
            change(&bytes)
            try bytes.write(to: parts.appending(path: name))
        }
        // One bit of the footer: found, and made good by its copy.
        try damage { $0[$0.count - 25] ^= 1 }
        #expect(try ToolProcess.run(["verify", store], in: folder).code == 1)
        try succeeds(["salvage", store, folder.path("all")])
        #expect(try succeeds(["verify", folder.path("all")]).contains("2 tables, 4 rows"))
        // The end of the file, with both.
        try damage { bytes in for place in bytes.count - 400..<bytes.count - 20 { bytes[place] &= 0x0F } }
        let ending = try ToolProcess.run(["verify", store, "--format", "json"], in: folder)
        #expect(ending.code == 1)
        #expect(try object(ending.output)["damage"] as? Bool == true)
        let text = try succeeds(["salvage", store, folder.path("saved"), "--format", "json"], code: 2)
        let losses = try #require(try object(text)["losses"] as? [[String: Any]])
        #expect(losses.map { $0["rows"] as? Int } == [3])
        #expect(try succeeds(["verify", folder.path("saved")]).contains("2 tables, 1 rows"))
        #expect(try succeeds(["salvage", folder.path("saved"), folder.path("copy2")]).contains("1 rows saved"))
    }

    private func files(of directory: String, containing text: String) throws -> [String] {
        let root = folder.url.appending(path: directory)
        let names = FileManager.default.enumerator(atPath: root.path())?.compactMap { $0 as? String } ?? []
        return try names.filter { name in
            var isFolder: ObjCBool = false
            let path = root.appending(path: name).path()
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
                return false
            }
            return try Data(contentsOf: URL(filePath: path)).range(of: Data(text.utf8)) != nil
        }
    }
}

import Foundation
import Testing

/// `EXPLAIN` as the tool writes it.
struct ExplainTests {
    private func made() throws -> (folder: ToolProcess.Folder, store: String) {
        let folder = try ToolProcess.Folder()
        let store = folder.path("shop.dukkan"), data = folder.path("data")
        for arguments in [
            ["generate", data, "--sessions", "2000", "--seed", "3"], ["init", store, "--schema", "commerce"],
            ["import", store, "events", "\(data)/events.csv"], ["import", store, "orders", "\(data)/orders.csv"],
        ] {
            let ending = try ToolProcess.run(arguments, in: folder)
            try #require(ending.code == 0, "\(arguments): \(ending.errors)")
        }
        return (folder, store)
    }

    private func answer(_ statement: String, _ format: String, _ place: (ToolProcess.Folder, String)) throws -> String {
        let ending = try ToolProcess.run(
            ["query", place.1, statement, "--format", format, "--threads", "2"], in: place.0)
        try #require(ending.code == 0, "\(ending.errors)")
        return ending.output
    }

    private let funnel = "FUNNEL a = events WHERE event = 'view_item', b = orders WITHIN 7 DAYS"

    @Test func `the table form is a tree with the cost of each operator`() throws {
        let place = try made()
        let plan = try answer("EXPLAIN \(funnel)", "table", place)
        #expect(plan.hasPrefix("Answer\n└─ Funnel: 2 steps\n   │  within: 7 days"))
        #expect(plan.contains("├─ Table: events") && plan.contains("└─ Table: orders"))
        #expect(plan.contains("to read") && !plan.contains("decode ms"))
        let lines = try answer("EXPLAIN ANALYZE \(funnel)", "table", place).split(separator: "\n").map(String.init)
        #expect(lines[0].hasPrefix("operator"))
        #expect(lines[0].contains("rows in"))
        #expect(lines.contains { $0.contains("decode ms") })
        let time = try #require(lines.first { $0.hasPrefix("time: ") })
        for phase in ["parse", "plan", "run", "merge", "answer", "render"] { #expect(time.contains(phase), "\(time)") }
        #expect(lines.contains("answer: 2 rows; memory budget 1.07 GB"))
    }

    @Test func `the json form is for programs`() throws {
        let place = try made()
        for statement in ["EXPLAIN \(funnel)", "EXPLAIN ANALYZE \(funnel)"] {
            let isAnalyzed = statement.contains("ANALYZE")
            let text = try answer(statement, "json", place)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(object["elapsed_ms"] is NSNumber)
            let plan = try #require(object["plan"] as? [String: Any])
            #expect(plan["threads"] as? Int == 2)
            var operation = try #require(plan["root"] as? [String: Any])
            var names: [String] = []
            while true {
                names.append(operation["operator"] as? String ?? "")
                #expect((operation["time_ms"] is NSNumber) == isAnalyzed)
                guard let input = (operation["inputs"] as? [[String: Any]])?.first else { break }
                operation = input
            }
            #expect(names == ["Answer", "Funnel", "Match steps", "Scan", "Table"])
            let columns = try #require(operation["columns"] as? [[String: Any]])
            let read = columns.compactMap { $0[isAnalyzed ? "bytes_read" : "bytes_planned"] as? Int }
            #expect(read.count == columns.count && read.reduce(0, +) > 0)
            guard isAnalyzed else { continue }
            let phases = try #require(plan["phases"] as? [String: Any])
            #expect(phases["render_ms"] is NSNumber && phases["total_ms"] is NSNumber)
            #expect((plan["thread_ms"] as? [Any])?.isEmpty == false)
        }
    }

    @Test func `the csv form has the lines of the tree`() throws {
        let place = try made()
        let lines = try answer("EXPLAIN SELECT count(*) FROM events WHERE event = 'share'", "csv", place)
            .split(separator: "\r\n").flatMap { $0.split(separator: "\n") }.map(String.init)
        #expect(lines.first == "plan")
        #expect(lines.contains { $0.contains("Filter") })
        #expect(lines.contains { $0.contains("condition: event = 'share'") })
    }

    @Test func `an error in an explained query tells its place`() throws {
        let place = try made()
        let ending = try ToolProcess.run(
            ["query", place.store, "EXPLAIN SELECT nothing FROM events"], in: place.folder)
        #expect(ending.code != 0)
        #expect(ending.errors.contains("there is no column 'nothing'"))
    }
}

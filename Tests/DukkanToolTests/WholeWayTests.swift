import Foundation
import Testing

/// From made-up data to answers, as a person goes.
struct WholeWayTests {
    private func succeeds(_ arguments: [String], in folder: ToolProcess.Folder, input: String? = nil) throws -> String {
        let ending = try ToolProcess.run(arguments, in: folder, input: input)
        try #require(ending.code == 0, "\(arguments): \(ending.errors)")
        return ending.output
    }

    private func json(_ line: String) throws -> (names: [String], rows: [[Any]]) {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let columns = try #require(object["columns"] as? [[String: String]])
        #expect(object["elapsed_ms"] is NSNumber)
        return (columns.compactMap { $0["name"] }, try #require(object["rows"] as? [[Any]]))
    }

    private func number(_ value: Any) -> Int? { (value as? NSNumber)?.intValue }

    @Test func `generate, init, import, query, verify, compact, query`() throws {
        let folder = try ToolProcess.Folder()
        let store = folder.path("shop.dukkan"), data = folder.path("data")
        _ = try succeeds(["generate", data, "--sessions", "3000", "--seed", "5"], in: folder)
        _ = try succeeds(["init", store, "--schema", "commerce"], in: folder)
        for table in ["customers", "sessions", "events", "orders"] {
            _ = try succeeds(["import", store, table, "\(data)/\(table).csv"], in: folder)
        }
        // What the answers must be, counted here from the file.
        let events = try String(contentsOfFile: "\(data)/events.csv", encoding: .utf8).split(separator: "\n")
            .dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let views = events.filter { $0[2] == "view_item" }
        let cents = views.reduce(0) { $0 + (Int($1[8].filter { $0 != "." }) ?? 0) }
        let viewers = Set(views.map { $0[0] })

        let slice =
            "SELECT count(*) AS n, sum(value) AS total, count(DISTINCT customer) AS customers FROM events "
            + "WHERE event = 'view_item'"
        let expected =
            "n,total,customers\n\(views.count),\(cents / 100).\(String(cents % 100 + 100).suffix(2)),"
            + "\(viewers.count)\n"
        #expect(try succeeds(["query", store, slice, "--format", "csv"], in: folder) == expected)

        let funnel = "FUNNEL viewed = events WHERE event = 'view_item', bought = orders WITHIN 7 DAYS"
        let retention = "RETENTION OF sessions RETURNING sessions BY MONTH FOR 12 PERIODS FIRST TIME"
        let lines = try succeeds(
            ["query", store, "--format", "json"], in: folder,
            input: "\(funnel);\n-- months\n\(retention);\nDECILES OF customers BY sum(orders.revenue)"
        ).split(separator: "\n").map(String.init)
        try #require(lines.count == 3)
        let steps = try json(lines[0])
        #expect(
            steps.names == [
                "value", "step", "name", "reached", "dropped", "open", "from_start", "from_previous", "median_s",
                "mean_s",
            ])
        #expect(steps.rows.count == 2)
        #expect(number(steps.rows[0][3]) == viewers.count)
        let cells = try json(lines[1])
        #expect(cells.names == ["cohort", "period", "size", "value", "complete"])
        let firsts = cells.rows.filter { number($0[1]) == 0 }.compactMap { number($0[3]) }
        let sessions = try String(contentsOfFile: "\(data)/sessions.csv", encoding: .utf8).split(separator: "\n")
        let visitors = Set(sessions.dropFirst().map { $0.split(separator: ",")[1] })
        #expect(firsts.reduce(0, +) == visitors.count)
        #expect(try json(lines[2]).rows.count == 10)

        #expect(try succeeds(["verify", store], in: folder).contains("all is well"))
        _ = try succeeds(["compact", store], in: folder)
        #expect(try succeeds(["verify", store], in: folder).contains("all is well"))
        #expect(try succeeds(["query", store, slice, "--format", "csv"], in: folder) == expected)

        let inspected = try succeeds(["inspect", store, "--format", "jsonl"], in: folder).split(separator: "\n")
        #expect(inspected.contains { $0.contains("\"started_at\"") })
        try folder.write("-- first\n\(slice);\n-- second\n\(funnel);\n", to: "q.dukkan")
        let bench = try succeeds(
            ["bench", store, "--file", "q.dukkan", "--runs", "2", "--format", "json"], in: folder
        ).split(separator: "\n")
        #expect(bench.count == 2)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(bench[0].utf8)) as? [String: Any])
        #expect(object["name"] as? String == "first")
        #expect((object["median_ms"] as? NSNumber)?.doubleValue ?? 0 > 0)
        #expect(number(object["rows_scanned"] as Any) ?? 0 > 0)
        #expect(number(object["bytes_read"] as Any) ?? 0 > 0)
    }

    @Test func `a table that is not there is made from the file`() throws {
        let folder = try ToolProcess.Folder()
        let store = folder.path("shop.dukkan")
        try folder.write(
            "client;sold_at;amount\n7;02/01/2025 10:00;12,50\n8;03/01/2025 11:30;7,25\n", to: "sales.csv")
        _ = try succeeds(["init", store], in: folder)
        _ = try succeeds(
            [
                "import", store, "sales", "sales.csv", "--customer", "client", "--time", "sold_at", "--decimal-comma",
                "--time-format", "DD/MM/YYYY", "--time-zone", "Africa/Cairo",
            ], in: folder)
        #expect(
            try succeeds(
                ["query", store, "SELECT sum(amount), min(sold_at) FROM sales", "--format", "jsonl"], in: folder
            )
            .contains("19.75"))
        #expect(
            try succeeds(["query", store, "SELECT min(sold_at) AS t FROM sales", "--format", "csv"], in: folder)
                == "t\n2025-01-02T08:00:00Z\n")
    }
}

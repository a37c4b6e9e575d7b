import Foundation
import Testing

/// What a person sees when something goes wrong: a message that helps, an exit code, nothing on standard output.
struct FailureTests {
    private let folder: ToolProcess.Folder
    private let store: String

    init() throws {
        folder = try ToolProcess.Folder()
        store = folder.path("shop.dukkan")
        try ToolProcess.run(["init", store, "--schema", "commerce"], in: folder)
    }

    private func fails(_ arguments: [String], with code: Int32, naming words: [String]) throws {
        let ending = try ToolProcess.run(arguments, in: folder)
        #expect(ending.code == code, "\(arguments): \(ending.errors)")
        #expect(ending.output == "", "\(arguments)")
        #expect(ending.errors.hasPrefix("dukkan: "), "\(arguments): \(ending.errors)")
        for word in words { #expect(ending.errors.contains(word), "\(word) in \(ending.errors)") }
        #expect(!ending.errors.contains("DukkanError"))
        #expect(!ending.errors.contains("\u{1B}"), "no colour in a pipe")
    }

    @Test func `a misspelled keyword has a caret under it and the near word`() throws {
        try fails(
            ["query", store, "SELECT country\nFORM orders"], with: 1,
            naming: ["line 2", "\n  ^\n", "did you mean FROM?"])
    }

    @Test func `a misspelled table and column are answered with the near name`() throws {
        try fails(["query", store, "SELECT count(*) FROM odrers"], with: 1, naming: ["odrers", "orders"])
        try fails(["query", store, "SELECT cuontry FROM orders"], with: 1, naming: ["cuontry", "country"])
        try fails(["describe", store, "order"], with: 1, naming: ["did you mean orders?"])
    }

    @Test func `a store that is not there is said to be missing`() throws {
        for command in [["tables"], ["verify"], ["query"], ["compact"]] {
            let arguments = command + [folder.path("none")] + (command == ["query"] ? ["SHOW TABLES"] : [])
            try fails(arguments, with: 1, naming: ["no store at"])
        }
    }

    @Test func `a store is not made twice`() throws {
        try fails(["init", store], with: 1, naming: ["shop.dukkan"])
    }

    @Test func `a file that is not there is named`() throws {
        try fails(["import", store, "orders", "none.csv"], with: 1, naming: ["none.csv"])
        try fails(["query", store, "--file", "none.dukkan"], with: 1, naming: ["none.dukkan"])
    }

    @Test func `wrong usage ends with 64 and a hint`() throws {
        try fails(["tabels", store], with: 64, naming: ["did you mean 'tables'?"])
        try fails(["query", store, "SHOW TABLES", "--format", "jsno"], with: 64, naming: ["jsno", "jsonl"])
        try fails(["generate"], with: 64, naming: ["--table"])
        try fails(["bench", store, "--file", "x", "--runs", "0"], with: 64, naming: ["--runs"])
    }

    @Test func `a bad row is named by file, line and column, and nothing of the file is kept`() throws {
        let header =
            "order_id,customer_id,ordered_at,session_id,status,payment,product_id,category,items,revenue,"
            + "discount,coupon,country,device\n"
        let good = "1,5,2025-01-02 03:04:05,1,paid,card,7,cat01,1,10.00,0.00,,EG,mobile\n"
        let bad = "2,5,2025-01-02 03:04:06,1,paid,card,7,cat01,1,ten,0.00,,EG,mobile\n"
        try folder.write(header + good + bad, to: "orders.csv")
        try fails(["import", store, "orders", "orders.csv"], with: 65, naming: ["orders.csv:3", "revenue", "ten"])
        let count = try ToolProcess.run(["query", store, "SELECT count(*) FROM orders", "--format", "csv"], in: folder)
        #expect(count.output.hasSuffix("\n0\n"))

        let set = try ToolProcess.run(
            ["import", store, "orders", "orders.csv", "--rejects", folder.path("bad.csv")], in: folder)
        #expect(set.code == 0, "\(set.errors)")
        #expect(set.errors.contains("1 bad row"))
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("bad.csv"))[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func `a torn last line is a bad row`() throws {
        try folder.write(
            "customer_id,ts,event,session_id,product_id,category,country,device,value\n"
                + "1,2025-01-01 00:00:00,page_view,1,,,EG,mobile,\n2,2025-01-01 00:00:01,page_v", to: "events.csv")
        try fails(["import", store, "events", "events.csv"], with: 65, naming: ["events.csv:3"])
    }

    @Test func `a second writer is refused at once`() throws {
        let waiting = try ToolProcess.startWriter(["import", store, "events", "-"], store: store, in: folder)
        try fails(["compact", store], with: 1, naming: ["shop.dukkan"])
        let first = try waiting.end(
            input: "customer_id,ts,event,session_id,product_id,category,country,device,value\n"
                + "1,2025-01-01 00:00:00,page_view,1,,,EG,mobile,\n")
        #expect(first.code == 0, "\(first.errors)")
    }

    @Test func `a reader that leaves early is no failure`() throws {
        let running = try ToolProcess.start(["generate", "--table", "events", "--sessions", "50000"], in: folder)
        let handle = running.process.standardOutput as? Pipe
        _ = try handle?.fileHandleForReading.read(upToCount: 10)
        try handle?.fileHandleForReading.close()
        running.process.waitUntilExit()
        #expect(running.process.terminationReason == .exit)
        #expect(running.process.terminationStatus == 0)
    }

    @Test func `an interrupted import ends with 130 and commits nothing`() throws {
        let running = try ToolProcess.startWriter(["import", store, "events", "-"], store: store, in: folder)
        running.process.interrupt()
        // Rows for longer than a busy machine takes to deliver a signal.
        let rows = String(repeating: "1,2025-01-01 00:00:00,page_view,1,,,EG,mobile,\n", count: 400_000)
        let ending = try running.end(
            input: "customer_id,ts,event,session_id,product_id,category,country,device,value\n" + rows)
        #expect(ending.code == 130, "\(ending.errors)")
        let count = try ToolProcess.run(["query", store, "SELECT count(*) FROM events", "--format", "csv"], in: folder)
        #expect(count.output.hasSuffix("\n0\n"))
    }
}

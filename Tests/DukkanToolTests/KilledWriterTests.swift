import Foundation
import Testing

/// Writers that are killed while others read: the short form of `tools/crash`.
struct KilledWriterTests {
    private static let killCount = 12
    private static let rowCount = 2_000
    private static let question = "SELECT count(*) AS n, count(DISTINCT batch) AS batches, sum(one) AS total FROM sales"

    private func csv(batch: Int) -> String {
        var text = "customer,at,batch,one\n"
        for row in 0..<Self.rowCount { text += "\(row % 50),2025-01-01 00:00:\(10 + row % 50),\(batch),1\n" }
        return text
    }

    /// Batches in the store, each of which must be whole.
    private func batches(_ store: String, in folder: ToolProcess.Folder) throws -> Int {
        let ending = try ToolProcess.run(["query", store, Self.question, "--format", "csv"], in: folder)
        try #require(ending.code == 0, "\(ending.errors)")
        let fields = try #require(ending.output.split(separator: "\n").last).split(
            separator: ",", omittingEmptySubsequences: false
        ).map { Int($0) ?? 0 }
        try #require(fields.count == 3)
        #expect(fields[0] == fields[1] * Self.rowCount && fields[2] == fields[0], "half of a commit: \(fields)")
        return fields[1]
    }

    @Test func `a killed import leaves all of its rows or none, and what was acknowledged stays`() throws {
        let folder = try ToolProcess.Folder()
        let store = folder.path("shop.dukkan")
        try ToolProcess.run(["init", store], in: folder)
        let made = try ToolProcess.run(
            ["query", store, "CREATE TABLE sales (customer INT CUSTOMER, at TIMESTAMP TIME, batch INT, one INT)"],
            in: folder)
        #expect(made.code == 0, "\(made.errors)")
        var generator = SystemRandomNumberGenerator()
        var acknowledged = 0, killed = 0, number = 0
        var seconds = 0.05
        while killed < Self.killCount && number < 200 {
            number += 1
            try folder.write(csv(batch: number), to: "batch.csv")
            let start = ContinuousClock.now
            let writer = try ToolProcess.start(["import", store, "sales", "batch.csv", "--quiet"], in: folder)
            // The first one shows how long they take.
            if acknowledged > 0 {
                usleep(UInt32(Double.random(in: 0..<seconds * 1_100_000, using: &generator)))
                kill(writer.process.processIdentifier, SIGKILL)
            }
            let before = acknowledged
            let ending = try writer.end()
            if ending.code == 0 {
                let took = (ContinuousClock.now - start).components
                seconds = Double(took.seconds) + Double(took.attoseconds) / 1e18
                acknowledged += 1
            } else {
                #expect(ending.code == -SIGKILL, "\(ending.code): \(ending.errors)")
                killed += 1
            }
            let found = try batches(store, in: folder)
            // What a killed import has committed counts from here on.
            #expect(found == acknowledged || (ending.code != 0 && found == before + 1))
            acknowledged = found
            let verified = try ToolProcess.run(["verify", store], in: folder)
            #expect(verified.code == 0 && verified.output.contains("all is well"), "\(verified)")
        }
        #expect(killed == Self.killCount)
    }

    @Test func `a writer killed with the lock in its hands does not keep the next one out`() throws {
        let folder = try ToolProcess.Folder()
        let store = folder.path("shop.dukkan")
        try ToolProcess.run(["init", store, "--schema", "commerce"], in: folder)
        let holder = try ToolProcess.startWriter(["import", store, "events", "-"], store: store, in: folder)
        let refused = try ToolProcess.run(["compact", store], in: folder)
        #expect(refused.code == 1)
        #expect(refused.errors.contains("another process or handle is writing to this store"), "\(refused.errors)")
        kill(holder.process.processIdentifier, SIGKILL)
        _ = try holder.end()
        let next = try ToolProcess.run(["compact", store], in: folder)
        #expect(next.code == 0, "\(next.errors)")
    }
}

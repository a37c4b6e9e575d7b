import Dukkan
import Synchronization
import Testing

/// Commits that have returned.
private final class CommitProgress: Sendable {
    let committed = Atomic<Int>(0)
}

/// Readers beside a writer.
///
/// `tools/concurrency` does the same with processes, for as long as one wants.
struct ConcurrencyTests {
    /// Commit k adds 100 orders of 1.25: any answer but 100 k and 125 k is a torn snapshot.
    @Test func `every answer is that of a committed snapshot, none older than the one before`() async throws {
        let folder = StoreFolder()
        let writer = try Store.create(at: folder.path, options: StoreOptions(threads: 1))
        try writer.createTable(Order.schema)
        let path = folder.path
        let progress = CommitProgress()
        let commitCount = 40
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<4 {
                group.addTask {
                    // Two readers through handles of their own, as other processes would; two through the writer's.
                    let store =
                        number < 2
                        ? try Store.open(at: path, mode: .readOnly, options: StoreOptions(threads: 1)) : writer
                    var answers = 0, last = 0
                    while last < commitCount {
                        let before = progress.committed.load(ordering: .acquiring)
                        let row = try await store.query(
                            "SELECT count(*), sum(revenue), max(order_id) FROM orders"
                        ).rows[0]
                        let after = progress.committed.load(ordering: .acquiring)
                        guard case .int(let count) = row[0] else { throw DukkanError(.corrupt, "no count") }
                        let commit = Int(count) / 100
                        let sum: Value =
                            commit == 0 ? .null : .decimal(DecimalValue(unscaled: Int128(commit) * 12_500, scale: 2))
                        let greatest: Value = commit == 0 ? .null : .int(Int128(commit) * 100)
                        #expect(row == [.int(Int128(commit) * 100), sum, greatest])
                        #expect(commit >= last && commit >= before && commit <= after + 1)
                        last = commit
                        answers += 1
                    }
                    return answers
                }
            }
            for commit in 0..<commitCount {
                try writer.append(Order.series(100, from: commit * 100 + 1), to: "orders")
                try await writer.commit()
                progress.committed.store(commit + 1, ordering: .releasing)
                if commit % 10 == 9 { try await writer.compact() }
            }
            for try await answers in group { #expect(answers > 0) }
        }
        #expect(try await writer.verify().isEmpty)
    }
}

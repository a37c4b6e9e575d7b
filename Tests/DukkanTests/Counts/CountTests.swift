import Dukkan
import Foundation
import Testing

/// Counts that must not change unnoticed: bytes on disk, bytes read, blocks decoded.
///
/// They stand in `Benchmarks/counts.txt`. More than there is a failure; less is one too where `DUKKAN_COUNTS` is `exact`,
/// as in `tools/bench`. `tools/bench --record` writes the file anew.
struct CountTests {
    private struct Count {
        var name: String
        var value: Int

        /// Sizes differ a little between versions of liblz4; numbers of blocks do not.
        var tolerance: Double { name.hasSuffix("bytes") ? 0.01 : 0 }
    }

    private static let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Benchmarks/counts.txt")
    private static let environment = ProcessInfo.processInfo.environment

    @Test func `bytes and blocks are as recorded`() throws {
        let counts = try encodings() + commits() + workload()
        if CountTests.environment["DUKKAN_COUNTS"] == "record" {
            let lines = counts.map { "\($0.name): \($0.value)" }
            try (CountTests.head + lines.joined(separator: "\n") + "\n").write(
                to: CountTests.file, atomically: true, encoding: .utf8)
            return
        }
        let recorded = try CountTests.recorded()
        let isExact = CountTests.environment["DUKKAN_COUNTS"] == "exact"
        var changes: [String] = []
        for count in counts {
            guard let before = recorded[count.name] else {
                changes.append("\(count.name): \(count.value), not recorded yet")
                continue
            }
            let slack = Int(Double(before) * count.tolerance)
            if count.value > before + slack || (isExact && count.value < before - slack) {
                changes.append("\(count.name): \(count.value), recorded \(before)")
            }
        }
        let gone = Set(recorded.keys).subtracting(counts.map(\.name))
        changes += gone.sorted().map { "\($0): recorded, but not measured any more" }
        #expect(changes == [], "if this is meant: tools/bench --record, and say in the commit why")
    }

    private static let head = """
        # Bytes on disk, bytes read and blocks decoded over the data in Tests/DukkanTests/Counts/MeasuredData.swift.
        # A test holds them: more than 1 % more bytes, or one more block, is a failure.
        # Written by tools/bench --record; do not edit.

        """

    private static func recorded() throws -> [String: Int] {
        var found: [String: Int] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
            guard let colon = line.lastIndex(of: ":"), let value = Int(line[colon...].dropFirst(2)) else {
                Issue.record("cannot read '\(line)' in Benchmarks/counts.txt")
                continue
            }
            found[String(line[..<colon])] = value
        }
        return found
    }

    /// What a column of each shape takes: as committed, and compacted.
    private func encodings() throws -> [Count] {
        try MeasuredColumn.all.flatMap { column in
            let folder = StoreFolder()
            let store = try Store.create(at: folder.path, options: StoreOptions(automaticCompaction: false))
            try store.createTables([column.schema])
            try store.append(try column.batch())
            try store.commit()
            let committed = try CountTests.planned(column, store)
            // Two parts, so that there is something to compact.
            try store.append(try column.batch())
            try store.commit()
            try store.compact()
            let compacted = try CountTests.planned(column, store)
            return [
                Count(name: "encoding, \(column.name), committed bytes", value: committed),
                Count(name: "encoding, \(column.name), twice, compacted bytes", value: compacted),
            ]
        }
    }

    /// Bytes of the measured column's blocks and dictionary.
    private static func planned(_ column: MeasuredColumn, _ store: Store) throws -> Int {
        func find(_ operation: Explanation.Operator) -> Int? {
            operation.columns.first { $0.name == "value" }?.bytesPlanned
                ?? operation.inputs.lazy.compactMap { find($0) }.first
        }
        return try #require(find(try store.explain(column.statement).root))
    }

    /// What the shop takes: in one commit, in ten, compacted.
    private func commits() throws -> [Count] {
        let shop = MeasuredShop(seed: 1)
        var counts: [Count] = []
        for commitCount in [1, 10] {
            let folder = StoreFolder()
            let store = try Store.create(at: folder.path, options: StoreOptions(automaticCompaction: false))
            try store.createTables([MeasuredShop.schema])
            let length = MeasuredShop.rowCount / commitCount
            let commits = commitCount == 1 ? "1 commit" : "\(commitCount) commits"
            for commit in 0..<commitCount {
                try store.append(try shop.batch(commit * length..<(commit + 1) * length))
                try store.commit()
            }
            counts.append(
                Count(name: "shop, \(commits), bytes", value: try CountTests.byteCount(store)))
            try store.compact()
            counts.append(
                Count(name: "shop, \(commits), compacted bytes", value: try CountTests.byteCount(store)))
        }
        return counts
    }

    private static func byteCount(_ store: Store) throws -> Int {
        try store.tables().reduce(0) { $0 + $1.byteCount }
    }

    /// What each question reads of the compacted shop on one thread.
    private func workload() throws -> [Count] {
        let folder = StoreFolder()
        let store = try Store.create(
            at: folder.path, options: StoreOptions(threads: 1, automaticCompaction: false))
        try store.createTables([MeasuredShop.schema])
        try store.append(try MeasuredShop(seed: 1).batch())
        try store.commit()
        try store.compact()
        return try MeasuredShop.statements.flatMap { statement in
            let cost = try store.query(statement.text).cost
            return [
                Count(name: "workload, \(statement.name), bytes", value: cost.bytesRead),
                Count(name: "workload, \(statement.name), blocks", value: cost.blocksDecoded),
            ]
        }
    }
}

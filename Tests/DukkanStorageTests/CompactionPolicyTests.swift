import DukkanFormat
import Testing

@testable import DukkanStorage

/// What the policy makes of thousands of commits, without any file.
@Suite struct CompactionPolicyTests {
    /// A table's parts, and the rows that commits and merges have written.
    private struct Life {
        var table = Manifest.Table(number: 1, schema: Shop().schema)
        var rowsWritten = 0
        var rowCount = 0
        private var order: UInt64 = 0
        private let windows = TimeWindows(rowCountTarget: StoreOptions().windowRowCountTarget)

        /// Commits rows whose times begin at `from`, and merges until the policy is content.
        mutating func commit(_ rows: Int, from: Int64, to: Int64) {
            order += 1
            rowsWritten += rows
            rowCount += rows
            append(rows, order...order, from...to)
            while let merge = policy.next() {
                let parts = merge.places.map { table.parts[$0] }
                let places = Set(merge.places)
                table.parts = table.parts.indices.filter { !places.contains($0) }.map { table.parts[$0] }
                let rows = parts.reduce(0) { $0 + $1.rowCount }
                rowsWritten += rows
                let first = parts.map(\.firstOrder).min() ?? 0, last = parts.map(\.lastOrder).max() ?? 0
                let start = parts.map(\.minimumTime).min() ?? 0, end = parts.map(\.maximumTime).max() ?? 0
                append(rows, first...last, start...end)
                table.parts.sort(by: Manifest.Part.precedes)
            }
        }

        private var policy: CompactionPolicy {
            CompactionPolicy(table: table, deletedCounts: [:], windows: windows)
        }

        private mutating func append(_ rows: Int, _ order: ClosedRange<UInt64>, _ times: ClosedRange<Int64>) {
            table.parts.append(
                Manifest.Part(
                    file: UInt64(rowsWritten),
                    identifier: PartIdentifier(high: UInt64(rowsWritten), low: order.lowerBound),
                    firstOrder: order.lowerBound, lastOrder: order.upperBound, rowCount: rows, customerCount: 1,
                    byteCount: rows, minimumTime: times.lowerBound, maximumTime: times.upperBound,
                    isThorough: false))
        }
    }

    @Test(arguments: [100, 1_000, 20_000]) func rowsAreWrittenAFewTimesAndPartsStayFew(rows: Int) {
        var life = Life()
        var partsMax = 0, ratioMax = 0.0
        for commit in 0..<3_000 {
            // Some rows of each commit are a month late.
            life.commit(rows, from: Int64(commit) * 1_000 - 100_000, to: Int64(commit) * 1_000)
            partsMax = max(partsMax, life.table.parts.count)
            ratioMax = max(ratioMax, Double(life.rowsWritten) / Double(life.rowCount))
        }
        #expect(life.table.parts.reduce(0) { $0 + $1.rowCount } == rows * 3_000)
        // One more rewriting of everything must stay within eight times.
        #expect(ratioMax <= 7, "\(ratioMax) times")
        #expect(partsMax <= 30, "\(partsMax) parts")
    }

    @Test func mostRowsStandInOnePart() {
        var life = Life()
        var shares: [Double] = []
        for commit in 0..<1_000 {
            life.commit(1_000, from: Int64(commit), to: Int64(commit))
            let largest = life.table.parts.map(\.rowCount).max() ?? 0
            if commit >= 100 { shares.append(Double(largest) / Double(life.rowCount)) }
        }
        #expect(shares.reduce(0, +) / Double(shares.count) > 0.6, "a query copies what is not in the largest part")
    }

    @Test func aCommitThatMergesWaitsForTheDiskNoMoreOften() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 11)
        let store = try StoreCore.create(path: "/shop", options: StoreOptions(threads: 1), fileSystem: system)
        try store.createTable(shop.schema)
        try store.commit()
        var syncs: [Int] = [], parts: [Int] = []
        for seed in 0..<30 {
            let before = system.trace.count
            try store.append(table: shop.name, shop.batch(Rows.random(600, seed: UInt64(seed))))
            try store.commit()
            syncs.append(system.trace[before...].count { $0.contains(" sync") })
            parts.append(try store.snapshot().tables[0].parts.count)
        }
        #expect(Set(syncs) == [4], "\(syncs)")
        #expect(zip(parts, parts.dropFirst()).contains { $0 > $1 }, "nothing was merged: \(parts)")
        #expect(try store.snapshot().tables[0].rowCount == 18_000)
        #expect(try store.verify() == [])
    }
}

import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery
@testable import DukkanStorage

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Row blocks of many small parts that several workers need: they are decoded once for all of them, and tell the same.
@Suite struct SharedBlockTests {
    private static let commits = 6
    private static let customerCount = 30_000
    private static let kinds = ["view", "cart", "order"]

    /// Each part has rows of customers from all of the range; keys lie close together or far apart.
    private func store(keyStep: Int64) throws -> EngineStore {
        let store = try EngineStore()
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("time", .timestamp, role: .time),
            ColumnDefinition("kind", .string), ColumnDefinition("amount", .int),
        ]
        var random = SeededGenerator(seed: 7)
        for name in ["events", "orders"] { try store.core.createTable(TableSchema(name, columns: columns)) }
        for commit in 0..<Self.commits {
            for name in ["events", "orders"] {
                let vectors = columns.map { ColumnVector($0.type.physical) }
                vectors[2].dictionary = StringDictionary(Self.kinds)
                for row in 0..<(name == "events" ? 20_000 : 3_000) {
                    vectors[0].append(Int64.random(in: 0..<Int64(Self.customerCount), using: &random) * keyStep)
                    // Parts of which every second one overlaps the one before in time.
                    vectors[1].append(Int64(commit / 2 * 20_000 + row) * 1_000_000)
                    vectors[2].append(code: UInt32.random(in: 0..<3, using: &random))
                    if row % 11 == 0 { vectors[3].appendNull() } else { vectors[3].append(Int64(row % 97)) }
                }
                try store.core.append(table: name, RowBatch(columns: vectors, rowCount: vectors[0].count))
            }
            try store.core.commit()
        }
        return store
    }

    private func column(_ name: String) -> Expression { .column(ColumnName(name)) }

    private func isKind(_ kind: String) -> Expression { .binary(.equal, column("kind"), .literal(.string(kind))) }

    private var statements: [Statement] {
        var counted = Aggregate(.count)
        counted.table = "orders"
        counted.filter = isKind("order")
        var slice = SliceQuery(
            [
                .init(column("kind")), .init(.aggregate(Aggregate(.count))),
                .init(.aggregate(Aggregate(.sum, of: column("amount")))),
                .init(.aggregate(Aggregate(.countDistinct, of: column("customer")))),
            ], from: "events")
        slice.groupBy = [column("kind")]
        slice.filter = .segment(.binary(.equal, .aggregate(counted), .literal(.int(1))))
        let funnel = FunnelQuery([
            Step(in: "events", where: isKind("view")), Step(in: "orders"), Step(in: "events", where: isKind("cart")),
        ])
        let own = FunnelQuery([Step(in: "events", where: isKind("view")), Step(in: "events", where: isKind("order"))])
        return [.select(slice), .funnel(funnel), .funnel(own)]
    }

    @Test(arguments: [1, 1_000_003] as [Int64]) func eachIsDecodedOnce(keyStep: Int64) throws {
        let parts = try store(keyStep: keyStep), whole = try store(keyStep: keyStep)
        _ = try whole.core.compact()
        for statement in statements {
            let expected = try whole.run(statement, threads: 1)
            let alone = try parts.run(statement, threads: 1)
            #expect(alone.rows == expected.rows)
            for threads in [2, 8] {
                let found = try parts.run(statement, threads: threads)
                #expect(found.rows == expected.rows, "\(threads) threads: \(statement)")
                #expect(found.cost.blocksDecoded <= alone.cost.blocksDecoded, "\(threads) threads: \(statement)")
            }
        }
    }

    /// Blocks that lie in one morsel are left to its worker, who may not need all columns of them.
    @Test func whatOneMorselHoldsIsNotShared() throws {
        let snapshot = try store(keyStep: 1).core.snapshot()
        let table = try #require(snapshot.tables.first { $0.schema.name == "events" })
        func scan(_ isPruned: @escaping @Sendable (Int, Int) -> Bool) throws -> MorselScan {
            try MorselScan(
                requests: [TableRequest(table: table, columns: [1, 3], isPruned: isPruned)], order: .byCustomer,
                reader: BlockReader())
        }
        let all = try scan { _, _ in false }
        #expect(SharedBlocks(all, workers: 2) != nil)
        // Morsels end where the blocks of the only part do.
        let one = try scan { part, _ in part != 3 }
        #expect(one.morselCount > 1)
        #expect(SharedBlocks(one, workers: 2) == nil)
    }

    /// A worker that fails lets nobody wait for the blocks that it had taken.
    @Test func aDamagedBlockEndsTheQuery() throws {
        let store = try store(keyStep: 1)
        let file = try store.core.snapshot().tables[0].parts[3].file
        let offset = file.footer.rowBlocks[0].directory.offset
        let descriptor = open(file.path, O_RDWR)
        #expect(descriptor >= 0)
        var byte: UInt8 = 0
        #expect(pread(descriptor, &byte, 1, off_t(offset)) == 1)
        byte ^= 4
        #expect(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
        close(descriptor)
        for statement in statements {
            for threads in [1, 2, 8] {
                #expect(throws: DukkanError.self) { try store.run(statement, threads: threads) }
            }
        }
    }
}

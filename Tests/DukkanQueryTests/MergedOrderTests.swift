import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery
@testable import DukkanStorage

/// Orders of merged rows that one query finds and others take over: they tell the same, and spare the directories.
@Suite struct MergedOrderTests {
    private static let commits = 5
    private static let rowsOfCommit = 12_000
    private static let kinds = ["view", "cart", "order"]

    /// Parts that overlap in time or follow each other, some of whose rows later ones replace.
    private func store(
        hasStrings: Bool = false, overlaps: Bool = true, keyStep: Int64 = 1, budget: Int = 1 << 28
    ) throws -> EngineStore {
        let store = try EngineStore(budget: budget)
        let columns = [
            ColumnDefinition("customer", hasStrings ? .string : .int, role: .customer),
            ColumnDefinition("time", .timestamp, role: .time), ColumnDefinition("id", .int, role: .unique),
            ColumnDefinition("kind", .string), ColumnDefinition("amount", .int),
        ]
        try store.core.createTable(TableSchema("events", columns: columns))
        var random = SeededGenerator(seed: 11)
        let names = (0..<3_000).map { "c\($0 * 7 % 3_000)" }
        for commit in 0..<Self.commits {
            let vectors = columns.map { ColumnVector($0.type.physical) }
            if hasStrings { vectors[0].dictionary = StringDictionary(names) }
            vectors[3].dictionary = StringDictionary(Self.kinds)
            for row in 0..<Self.rowsOfCommit {
                let customer = Int64.random(in: 0..<3_000, using: &random)
                if hasStrings {
                    vectors[0].append(code: UInt32(customer))
                } else {
                    vectors[0].append(customer * keyStep)
                }
                let late = overlaps && row % 10 == 0 ? Int64.random(in: 0..<40_000, using: &random) : 0
                vectors[1].append((Int64(commit * Self.rowsOfCommit + row) - late) * 1_000_000)
                // Some rows of the commit before are replaced.
                let isAgain = commit > 0 && row % 50 == 0
                vectors[2].append(Int64((isAgain ? commit - 1 : commit) * Self.rowsOfCommit + row))
                vectors[3].append(code: UInt32.random(in: 0..<3, using: &random))
                if row % 7 == 0 { vectors[4].appendNull() } else { vectors[4].append(Int64(row % 101)) }
            }
            try store.core.append(table: "events", RowBatch(columns: vectors, rowCount: Self.rowsOfCommit))
            try store.core.commit()
        }
        return store
    }

    /// A scan that found every order by time counts on them; a query that found none of them meanwhile takes nothing away.
    @Test func anOrderByTimeStays() throws {
        let room = OrderRoom(byteCount: 1 << 20)
        let orders = MergedOrders([.all], pruned: [], room: room)
        #expect(orders.serves([.all], pruned: []) && !orders.isRepeated)
        #expect(orders.repeatedNow() && orders.isRepeated && !orders.repeatedNow())
        let starts: [UInt32] = [0]
        func keep(isByTime: Bool) {
            orders.keep(0) { room in
                MergedOrder(
                    RunMerge.Rows(runs: UnsafeBufferPointer(start: nil, count: 0), count: 0),
                    keys: CustomerKeyList(isString: false),
                    starts: starts, sources: [], isByTime: isByTime, room: room)
            }
        }
        keep(isByTime: false)
        #expect(orders.isComplete(isByTime: false) && !orders.isComplete(isByTime: true))
        keep(isByTime: true)
        #expect(orders.isComplete(isByTime: true))
        keep(isByTime: false)
        #expect(orders.isComplete(isByTime: true))
    }

    /// Two spellings of one character are two customers.
    @Test func cutsAreComparedByBytes() {
        let composed = CustomerRange(lower: .string("\u{e9}"), upper: nil)
        let decomposed = CustomerRange(lower: .string("e\u{301}"), upper: nil)
        #expect(!composed.isSame(as: decomposed) && composed.isSame(as: composed))
        #expect(Set([CustomerKey.string("\u{e9}"), .string("e\u{301}"), .integer(1)]).count == 3)
    }

    private func column(_ name: String) -> Expression { .column(ColumnName(name)) }
    private func isKind(_ kind: String) -> Expression { .binary(.equal, column("kind"), .literal(.string(kind))) }

    /// A slice that does not look at times, so often that its orders are kept, and questions that do; one of them leaves row
    /// blocks out.
    private var statements: [Statement] {
        var slice = SliceQuery(
            [
                .init(column("kind")), .init(.aggregate(Aggregate(.count))),
                .init(.aggregate(Aggregate(.sum, of: column("amount")))),
                .init(.aggregate(Aggregate(.countDistinct, of: column("customer")))),
            ], from: "events")
        slice.groupBy = [column("kind")]
        var funnel = FunnelQuery(
            Self.kinds.map { Step(in: "events", where: isKind($0)) }, within: 9_000_000_000)
        let plain = funnel
        let early = Expression.literal(.timestamp(Timestamp(microseconds: 11_000_000_000)))
        funnel.filter = .binary(.less, column("time"), early)
        return [.select(slice), .select(slice), .funnel(plain), .funnel(funnel), .select(slice), .funnel(plain)]
    }

    @Test(arguments: [false, true], [false, true]) func eachQueryTellsTheSame(hasStrings: Bool, overlaps: Bool) throws {
        let parts = try store(hasStrings: hasStrings, overlaps: overlaps, keyStep: overlaps ? 1 : 1_000_003)
        let whole = try store(hasStrings: hasStrings, overlaps: overlaps, keyStep: overlaps ? 1 : 1_000_003)
        _ = try whole.core.compact()
        let expected = try statements.map { try whole.run($0, threads: 1).rows }
        for threads in [1, 2, 8, 2, 1] {
            for (place, statement) in statements.enumerated() {
                let found = try parts.run(statement, threads: threads)
                #expect(found.rows == expected[place], "\(threads) threads: \(statement)")
            }
        }
    }

    /// The third time no directory is decoded for its customers, and none at all where no column needs it.
    @Test func directoriesAreSpared() throws {
        let parts = try store()
        let funnel = statements[2]
        let counts = try (0..<4).map { _ in try parts.run(funnel, threads: 2).cost.blocksDecoded }
        #expect(counts[1] == counts[0])
        #expect(counts[2] <= counts[1])
        let slice = statements[0]
        let sliced = try (0..<2).map { _ in try parts.run(slice, threads: 2).cost.blocksDecoded }
        // The funnel's order serves the slice.
        #expect(sliced[1] == sliced[0])
    }

    @Test func aCommitBeginsAnew() throws {
        let parts = try store()
        let before = try (0..<3).map { _ in try parts.run(statements[2], threads: 2).rows }
        #expect(before[2] == before[0])
        let vectors = [ColumnVector(.integers), .init(.integers), .init(.integers), .init(.codes), .init(.integers)]
        vectors[3].dictionary = StringDictionary(Self.kinds)
        for code in 0..<3 {
            for vector in [vectors[0], vectors[2], vectors[4]] { vector.append(Int64(1_000_000 + code / 3)) }
            vectors[1].append(Int64(code) * 1_000_000)
            vectors[3].append(code: UInt32(code))
        }
        vectors[2].integers[1] += 1
        vectors[2].integers[2] += 2
        try parts.core.append(table: "events", RowBatch(columns: vectors, rowCount: 3))
        try parts.core.commit()
        let after = try (0..<3).map { _ in try parts.run(statements[2], threads: 2).rows }
        #expect(after[0] != before[0])
        #expect(after[2] == after[0])
        _ = try parts.core.compact()
        #expect(try parts.run(statements[2], threads: 2).rows == after[0])
    }

    /// Where the orders do not fit, as many are kept as do.
    @Test func memoryIsBounded() throws {
        let small = try store(budget: StoreOptions.memoryBudgetBytesMin), large = try store()
        for statement in statements + statements + statements {
            #expect(try small.run(statement, threads: 2).rows == large.run(statement, threads: 1).rows)
        }
        let room = OrderRoom(byteCount: 100)
        #expect(room.take(60))
        #expect(!room.take(60))
        #expect(room.take(40))
        room.giveBack(60)
        #expect(room.take(60))
    }

    /// Questions about single customers, and ever new ranges of time, leave the orders that are asked for again.
    @Test func ordersInUseStay() throws {
        let parts = try store()
        let table = try #require(parts.core.snapshot().table(named: "events"))
        func scan(_ customers: CustomerRange = .all, without part: Int? = nil) throws -> MorselScan {
            var request = TableRequest(table: table, columns: [1, 3])
            if let part { request.isPruned = { place, _ in place == part } }
            return try MorselScan(requests: [request], order: .byCustomer, customers: customers, reader: BlockReader())
        }
        let orders = try #require(try scan().orders[0])
        for number in 0..<20 {
            #expect(try scan(.only(.integer(Int64(number)))).orders[0] == nil)
            #expect(try scan(without: number % 2).orders[0] !== orders)
            #expect(try scan().orders[0] === orders)
        }
        let kept = try scan(without: 0).orders[0]
        #expect(kept === (try scan(without: 0).orders[0]))
        // What is asked for once pushes nothing out; what is asked for again does when there is enough of it.
        for part in 0..<5 {
            let request = TableRequest(table: table, columns: [1, 3]) { place, _ in place == part }
            _ = try MorselScan(requests: [request], order: .byCustomer, reader: BlockReader())
        }
        #expect(try scan().orders[0] === orders)
        for part in 1..<5 {
            let request = TableRequest(table: table, columns: [1, 3]) { place, _ in place == part }
            for _ in 0..<2 { _ = try MorselScan(requests: [request], order: .byCustomer, reader: BlockReader()) }
        }
        #expect(try scan().orders[0] !== orders)
    }

    /// Where room is short, an order that is asked for once more takes that of the one not asked for longest.
    @Test func ordersAskedForAgainTakeRoom() throws {
        let room = OrderRoom(byteCount: 10_000)
        let whole = try #require(store().core.snapshot().table(named: "events"))
        let table = TableSnapshot(number: 1, schema: whole.schema, parts: whole.parts, orderRoom: room)
        func orders(_ customer: Int64) throws -> MergedOrders {
            try #require(table.mergedOrders([.only(.integer(customer))], pruned: []))
        }
        func keep(_ orders: MergedOrders) {
            let starts: [UInt32] = [0]
            orders.keep(0) { room in
                MergedOrder(
                    RunMerge.Rows(runs: UnsafeBufferPointer(start: nil, count: 0), count: 0),
                    keys: CustomerKeyList(isString: false),
                    starts: starts, sources: [], isByTime: true, room: room)
            }
        }
        weak var first: MergedOrders?
        do {
            let asked = try orders(1)
            keep(asked)
            #expect(!asked.isComplete(isByTime: true) && !asked.isRepeated)
            #expect(try orders(1) === asked)
            keep(asked)
            #expect(asked.isComplete(isByTime: true) && asked.isRepeated)
            first = asked
        }
        #expect(room.take(8_000) && room.isShort)
        for customer in 2..<9 { _ = try orders(Int64(customer)) }
        #expect(first != nil)
        #expect(try orders(1) === first)
        // The second question about a customer takes it, of whom nothing will be kept.
        _ = try orders(8)
        #expect(first == nil)
        room.giveBack(8_000)
        weak var again: MergedOrders?
        for _ in 0..<2 { again = try orders(1) }
        #expect(room.take(8_000) && room.isShort)
        // Further ones do not.
        for _ in 0..<3 { _ = try orders(8) }
        #expect(again?.isRepeated == true)
        // A table that nobody asks any more would keep what is short.
        func next() -> TableSnapshot {
            TableSnapshot.next(
                after: [table], number: 1, schema: whole.schema, parts: whole.parts, orderRoom: room)
        }
        #expect(next() !== table)
        room.giveBack(8_000)
        #expect(next() === table)
    }

    /// Which morsels' orders are there: none after the first query, of those that parts overlap in all after the second.
    @Test func ordersAreKeptFromTheSecondQueryOn() throws {
        let parts = try store()
        let table = try #require(parts.core.snapshot().table(named: "events"))
        func isComplete() throws -> Bool {
            let scan = try MorselScan(
                requests: [TableRequest(table: table, columns: [1, 3])], order: .byCustomer, reader: BlockReader())
            #expect(scan.morselCount > 1)
            return scan.isOrdered == [true]
        }
        _ = try parts.run(statements[2], threads: 2)
        #expect(try !isComplete())
        _ = try parts.run(statements[2], threads: 2)
        #expect(try isComplete())
    }
}

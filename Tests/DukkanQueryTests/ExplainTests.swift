import DukkanFormat
import DukkanStorage
import DukkanTime
import Testing

@testable import DukkanQuery

@Suite struct ExplainTests {
    /// 20,000 customers of 5 rows: seven row blocks of one part.
    static let customers = 20_000
    static let rowCount = customers * ExplainStore.kinds.count

    @Test(arguments: [1, 2, 8]) func countsOfASliceAreExact(threads: Int) throws {
        let store = try ExplainStore(customers: Self.customers)
        let plan = try store.explain(
            ExplainStore.grouped(where: .not(ExplainStore.isKind("view"))), analyze: true, threads: threads)
        let chosen = Self.customers * 2
        #expect(plan.operators.map(\.name) == ["Answer", "Sort", "Aggregate", "Group", "Filter", "Scan", "Table"])
        #expect(plan.root.work?.rowsOut == 2)
        #expect(plan.first("Aggregate")?.work?.rowsIn == chosen)
        #expect(plan.first("Aggregate")?.work?.rowsOut == 2)
        #expect(plan.first("Group")?.work?.rowsIn == chosen)
        #expect(plan.first("Filter")?.work?.rowsIn == Self.rowCount)
        #expect(plan.first("Filter")?.work?.rowsOut == chosen)
        #expect(plan.first("Filter")?.texts("columns") == ["kind"])
        let table = try #require(plan.first("Table"))
        #expect(table.work?.rowsIn == Self.rowCount && table.work?.rowsOut == Self.rowCount)
        #expect(Set(table.columns.map(\.name)).subtracting(["customer directory"]) == ["amount", "kind"])
        try expectWholeColumns(table, store, ["kind": 4])
        // Behind the filter no more rows are made than it leaves.
        try expectWholeColumns(table, store, ["amount": 8], rowsDecoded: chosen)
        let analysis = try #require(plan.analysis)
        #expect(analysis.cost.bytesRead == table.columns.reduce(0) { $0 + $1.bytesRead })
        #expect(
            analysis.cost.blocksDecoded == table.columns.reduce(0) { $0 + $1.blocksRead + $1.dictionariesRead })
        #expect(analysis.rowCount == 2)
    }

    /// Every block of the columns was read once, as planned; `widths` are bytes of a value in memory.
    private func expectWholeColumns(
        _ table: Explanation.Operator, _ store: ExplainStore, _ widths: [String: Int],
        rowsDecoded: Int = ExplainTests.rowCount
    ) throws {
        for (name, width) in widths {
            let column = try #require(table.column(name))
            let (blocks, bytes) = try store.byteCount(of: name)
            #expect(blocks > 2)
            #expect(column.blocksRead == blocks && column.blocksPlanned == blocks, "\(name)")
            #expect(column.bytesRead == bytes && column.bytesPlanned == bytes, "\(name)")
            #expect(column.rowsDecoded == rowsDecoded, "\(name)")
            // A dictionary of the part is decoded besides: "buy", "cart", "view".
            let dictionary = column.dictionariesRead * (3 + 4 + 4 + 4 * 4)
            #expect(column.bytesDecoded == rowsDecoded * width + dictionary, "\(name)")
        }
    }

    @Test(arguments: [1, 2, 8]) func countsOfAFunnelAreExact(threads: Int) throws {
        let store = try ExplainStore(customers: Self.customers)
        let plan = try store.explain(ExplainStore.funnel, analyze: true, threads: threads)
        #expect(plan.operators.map(\.name) == ["Answer", "Funnel", "Match steps", "Scan", "Table"])
        let match = try #require(plan.first("Match steps"))
        #expect(match.work?.rowsIn == Self.rowCount && match.work?.rowsOut == Self.rowCount)
        #expect(match.texts("rows of each step") == ["60,000", "20,000", "20,000"])
        #expect(match.texts("columns") == ["events.kind"])
        #expect(plan.first("Funnel")?.work?.rowsIn == Self.rowCount)
        #expect(plan.first("Funnel")?.texts("within") == ["1 day"])
        #expect(plan.first("Scan")?.count("customers") == Self.customers)
        let table = try #require(plan.first("Table"))
        try expectWholeColumns(table, store, ["kind": 4, "time": 8])
        let (blocks, bytes) = try store.byteCount(of: nil)
        let directory = try #require(table.column("customer directory"))
        #expect(directory.blocksRead == blocks && directory.bytesRead == bytes)
        // Where the rows of each begin; who they are is not asked.
        #expect(directory.bytesDecoded == Self.customers * 4 + blocks * 4)
    }

    @Test(arguments: [1, 2]) func retentionAndDecilesTellTheirWork(threads: Int) throws {
        let store = try ExplainStore(customers: Self.customers)
        let retention = try store.explain(ExplainStore.retention, analyze: true, threads: threads)
        #expect(retention.operators.map(\.name) == ["Answer", "Retention", "Match steps", "Scan", "Table"])
        #expect(retention.first("Match steps")?.work?.rowsOut == Self.customers * 4)
        #expect(retention.first("Match steps")?.texts("rows of each step") == ["60,000", "20,000"])
        let deciles = try store.explain(ExplainStore.deciles, analyze: true, threads: threads)
        #expect(deciles.operators.map(\.name) == ["Answer", "Deciles", "Aggregate", "Scan", "Table"])
        #expect(deciles.first("Aggregate")?.work?.rowsIn == Self.rowCount)
        #expect(deciles.first("Aggregate")?.work?.rowsOut == Self.customers)
        #expect(deciles.root.work?.rowsOut == 10)
    }

    @Test func rowsAreCountedFromTheFilterToTheLimit() throws {
        let store = try ExplainStore(customers: Self.customers)
        let plan = try store.explain(ExplainStore.rows, analyze: true)
        #expect(plan.operators.map(\.name) == ["Answer", "Sort", "Rows", "Filter", "Scan", "Table"])
        #expect(plan.first("Rows")?.work?.rowsIn == Self.customers)
        #expect(plan.first("Sort")?.count("limit") == 3)
        #expect(plan.root.work?.rowsOut == 3)
    }

    @Test func segmentsCountCustomers() throws {
        let store = try ExplainStore(customers: Self.customers)
        let amount = Expression.column(ColumnName("amount", in: "events"))
        let rich = Expression.binary(
            .greaterOrEqual, .aggregate(Aggregate(.maximum, of: amount)), .literal(.int(70_004)))
        let plan = try store.explain(
            ExplainStore.grouped(options: QueryOptions(segment: rich)), analyze: true, threads: 2)
        let segment = try #require(plan.first("Segment"))
        #expect(segment.work?.rowsIn == Self.customers && segment.work?.rowsOut == 10_000)
        #expect(plan.first("Filter")?.work?.rowsOut == 50_000)
    }

    @Test func aPlainExplainReadsNoRows() throws {
        let store = try ExplainStore(customers: Self.customers)
        for statement in [
            ExplainStore.grouped(), ExplainStore.funnel, ExplainStore.retention, ExplainStore.deciles,
            ExplainStore.rows,
        ] {
            let plan = try store.explain(statement, analyze: false)
            #expect(plan.analysis == nil)
            #expect(plan.operators.allSatisfy { $0.work == nil })
            let table = try #require(plan.first("Table"))
            #expect(table.count("rows") == Self.rowCount && table.count("parts") == 1)
            #expect(table.columns.allSatisfy { $0.blocksRead == 0 && $0.blocksPlanned > 2 && $0.bytesPlanned > 0 })
            let analyzed = try store.explain(statement, analyze: true)
            #expect(analyzed.operators.map(\.name) == plan.operators.map(\.name))
            for column in try #require(analyzed.first("Table")).columns {
                #expect(column.blocksRead == table.column(column.name)?.blocksPlanned, "\(column.name)")
                #expect(column.bytesRead == table.column(column.name)?.bytesPlanned, "\(column.name)")
            }
        }
    }

    @Test func statisticsPruneBlocksOfOtherTimes() throws {
        let store = try ExplainStore(customers: Self.customers, commits: 2)
        let isSecondDay = Expression.binary(
            .greaterOrEqual, .column(ColumnName("time")),
            .literal(.timestamp(Timestamp(microseconds: ExplainStore.day))))
        let plan = try store.explain(ExplainStore.grouped(where: isSecondDay), analyze: true)
        let table = try #require(plan.first("Table"))
        let blocks = try #require(table.count("row blocks"))
        #expect(table.count("parts") == 2)
        #expect(table.count("pruned by statistics") == blocks / 2)
        #expect(table.texts("statistics of") == ["time"])
        #expect(table.column("amount")?.blocksRead == blocks / 2)
        #expect(plan.analysis?.cost.blocksPruned == blocks / 2)
    }

    @Test func oneCustomerReadsOneBlock() throws {
        let store = try ExplainStore(customers: Self.customers)
        let isOne = Expression.binary(.equal, .column(ColumnName("customer")), .literal(.int(17)))
        let plan = try store.explain(ExplainStore.grouped(where: isOne), analyze: true)
        let table = try #require(plan.first("Table"))
        let blocks = try #require(table.count("row blocks"))
        #expect(table.count("outside the customers") == blocks - 1)
        #expect(table.column("kind")?.blocksRead == 1 && table.column("kind")?.blocksPlanned == 1)
        #expect(table.work?.rowsOut == 5)
        #expect(plan.first("Scan")?.texts("customer") == ["17"])
    }

    @Test func statisticsAnswerWithoutReading() throws {
        let store = try ExplainStore(customers: Self.customers)
        let query = SliceQuery(
            [
                .init(.aggregate(Aggregate(.count))),
                .init(.aggregate(Aggregate(.sum, of: .column(ColumnName("amount"))))),
            ],
            from: "events")
        for analyze in [false, true] {
            let plan = try store.explain(.select(query), analyze: analyze)
            #expect(plan.operators.map(\.name) == ["Answer", "Aggregate", "Table"])
            #expect(plan.operators[1].subject == "from statistics, without reading rows")
            #expect(plan.analysis?.cost.bytesRead ?? 0 == 0)
        }
    }

    /// What the operators of a thread took is what the thread took, and the threads took the run.
    @Test(arguments: [1, 2]) func timesAddUp(threads: Int) throws {
        let store = try ExplainStore(customers: 60_000)
        for statement in [
            ExplainStore.grouped(where: .not(ExplainStore.isKind("view"))), ExplainStore.funnel, ExplainStore.retention,
            ExplainStore.deciles, ExplainStore.rows,
        ] {
            // A busy machine may take the processor away between the thread's clock and the run's.
            for attempt in 0..<20 {
                let analysis = try #require(
                    try store.explain(statement, analyze: true, threads: threads).analysis)
                // The calling thread works from the begin to the end of the run, others may come late.
                if try #require(analysis.threadTimes.max()) > analysis.phases.run * 0.75 { break }
                if attempt == 19 { Issue.record("no thread was at work for three quarters of the run") }
            }
            let plan = try store.explain(statement, analyze: true, threads: threads)
            let analysis = try #require(plan.analysis)
            var busy = analysis.threadTimes.map { _ in Duration.zero }
            for operation in plan.operators {
                for (thread, time) in try #require(operation.work).threadTimes.enumerated() { busy[thread] += time }
            }
            let inOperators = busy.reduce(.zero, +) + analysis.countingTime
            let atWork = analysis.threadTimes.reduce(.zero, +)
            // To the nanosecond: no moment is counted twice or not at all.
            #expect(inOperators == atWork, "\(plan.lines.joined(separator: "\n"))")
            #expect(atWork <= analysis.phases.run * analysis.threadTimes.count)
        }
    }

    @Test func theAnswerOfTheStatementIsText() throws {
        let store = try ExplainStore(customers: 100)
        let result = try store.engine.run(.explain(analyze: true, ExplainStore.funnel), threads: 2)
        #expect(result.shape == .plan)
        #expect(result.columns == [QueryResult.Column("plan", .string)])
        #expect(result.rows.count == result.explanation?.lines.count)
        #expect(result.rows.count > 10)
        #expect(throws: DukkanError.self) {
            try store.engine.run(.explain(analyze: false, .showTables), threads: 1)
        }
    }

    @Test func numbersAreWrittenForPeople() {
        #expect(ExplanationText.grouped(1_234_567) == "1,234,567")
        #expect(ExplanationText.grouped(-999) == "-999")
        #expect(ExplanationText.fixed(12.345, 2) == "12.35" || ExplanationText.fixed(12.345, 2) == "12.34")
        #expect(ExplanationText.fixed(0.0004, 3) == "0.000")
        #expect(ExplanationText.bytes(999) == "999 B")
        #expect(ExplanationText.bytes(28_100_000) == "28.1 MB")
        #expect(ExplanationText.milliseconds(.microseconds(1_500)) == "1.50")
        #expect(ExplanationText.span(604_800_000_000) == "7 days")
        #expect(ExplanationText.span(90_000_000) == "90 seconds")
    }

    @Test func matchesAreCountedInLanes() {
        let meter = WorkMeter()
        let masks = (0..<10_007).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) & 0b1010_0111 }
        masks.withUnsafeBufferPointer { masks in
            guard let base = masks.baseAddress else { return }
            meter.countSteps(base, masks.count, steps: 8)
        }
        for step in 0..<8 { #expect(meter.tallies[step] == masks.count { $0 >> step & 1 == 1 }) }
        #expect(meter.rowsOut[WorkMeter.Stage.steps.place] == masks.count { $0 != 0 })
    }
}

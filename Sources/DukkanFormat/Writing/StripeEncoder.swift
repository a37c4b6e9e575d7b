import Dispatch
import Synchronization

/// Encodes all blocks of a stripe, on several threads.
struct StripeEncoder {
    let pending: PendingRows
    let options: PartOptions
    let layout: PartLayout

    struct Stripe {
        var directories: [EncodedBlock]
        /// For each shared bitmap the blocks of the stripe; nil where a row block does not have it.
        var bitmaps: [[EncodedBlock?]]
        /// For each column the blocks of the stripe; none for the customer column.
        var columns: [[EncodedBlock]]
    }

    func encode() -> Stripe {
        let input = Input(pending, options)
        let plans = input.plans
        var shared: [SharedRows] = []
        for plan in plans {
            shared.append(
                SharedRows(pending, plan, runColumns: layout.runColumns, nullColumns: layout.nullColumns))
        }
        // A job is a directory (column nil) or a column of one block.
        var jobs: [(column: Int?, block: Int)] = plans.indices.map { (nil, $0) }
        for column in pending.columns.indices where column != pending.customerColumn {
            for block in plans.indices { jobs.append((column, block)) }
        }
        let results = Results(count: jobs.count, empty: EncodedBlock(bytes: []))
        let work = Work(
            input: input, layout: layout, tables: layout.tables.map { $0?.model }, shared: shared, jobs: jobs)
        StripeEncoder.forEach(jobs.count, workers: input.workers) { job in
            results[job] = work.encode(job)
        }
        var stripe = Stripe(
            directories: [], bitmaps: bitmaps(shared, input), columns: pending.columns.map { _ in [] })
        for (index, job) in jobs.enumerated() {
            if let column = job.column {
                stripe.columns[column].append(results[index])
            } else {
                stripe.directories.append(results[index])
            }
        }
        return stripe
    }

    /// The blocks of the shared bitmaps.
    private func bitmaps(_ shared: [SharedRows], _ input: Input) -> [[EncodedBlock?]] {
        func encode(_ words: [UInt64], _ block: Int) -> EncodedBlock? {
            guard !words.isEmpty else { return nil }
            var content = ByteWriter()
            RowBitmap.encode(words, input.plans[block].rowCount, into: &content, effort: input.effort)
            return EncodedBlock(bytes: BlockFrame.wrap(content.bytes, tryLZ4: false, effort: input.effort))
        }
        var bitmaps: [[EncodedBlock?]] = []
        if layout.runBitmap != nil { bitmaps.append(shared.enumerated().map { encode($1.startWords, $0) }) }
        if layout.nullBitmap != nil { bitmaps.append(shared.enumerated().map { encode($1.validWords, $0) }) }
        return bitmaps
    }

    static func forEach(_ count: Int, workers: Int, _ body: @Sendable (Int) -> Void) {
        if workers <= 1 {
            for i in 0..<count { body(i) }
            return
        }
        let next = Counter()
        DispatchQueue.concurrentPerform(iterations: min(workers, count)) { _ in
            while true {
                let i = next.value.wrappingAdd(1, ordering: .relaxed).oldValue
                if i >= count { return }
                body(i)
            }
        }
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    /// The rows of a stripe.
    struct Input: @unchecked Sendable {  // Sendable: nobody writes to the pending rows while they are encoded.
        let pending: PendingRows
        let plans: [RowBlockPlan]
        let starts: [[UInt32]]
        let effort: EncodingEffort
        let workers: Int

        /// Waking a thread for less than about a millisecond of work costs more than it brings.
        private static let valuesPerWorkerMin = 1 << 15

        init(_ pending: PendingRows, _ options: PartOptions) {
            self.pending = pending
            plans = pending.planner.blocks
            starts = plans.map { pending.starts(of: $0) }
            effort = EncodingEffort(options)
            let valueCount = plans.reduce(0) { $0 + $1.rowCount } * pending.columns.count
            workers = min(options.workers, 1 + valueCount / Input.valuesPerWorkerMin)
        }

        /// A block without relations.
        func relations() -> BlockRelations {
            BlockRelations(times: pending.vectors[pending.timeColumn], timeColumn: pending.timeColumn)
        }

        func encode(_ column: Int, _ block: Int, ranks: [UInt32]?, _ relations: BlockRelations) -> EncodedBlock {
            let plan = plans[block]
            let encoder = ColumnBlockEncoder(
                definition: pending.columns[column], vector: pending.vectors[column], firstRow: plan.firstRow,
                rowCount: plan.rowCount, customerStarts: starts[block],
                partDictionaryCount: pending.hasPartDictionary[column] ? pending.dictionaryCounts[column] : nil,
                ranks: ranks, pool: pending.pools[column], relations: relations, effort: effort)
            return encoder.encode()
        }
    }

    /// What the jobs read.
    private struct Work: Sendable {
        let input: Input
        let layout: PartLayout
        let tables: [TableModel?]
        let shared: [SharedRows]
        let jobs: [(column: Int?, block: Int)]

        func encode(_ job: Int) -> EncodedBlock {
            let block = jobs[job].block
            guard let column = jobs[job].column else {
                return DirectoryEncoder.encode(
                    starts: input.starts[block], keys: input.pending.keys(of: input.plans[block]),
                    effort: input.effort)
            }
            var relations = input.relations()
            relations.shared = shared[block]
            relations.runBitmap = layout.runColumns.contains(column) ? layout.runBitmap : nil
            relations.timeRunBitmap = column == relations.timeColumn && layout.hasRunTimes ? layout.runBitmap : nil
            relations.nullBitmap = layout.nullColumns.contains(column) ? layout.nullBitmap : nil
            relations.timeModel = layout.timeModels[column]
            if let table = tables[column], let reference = layout.tables[column]?.referenceColumn {
                relations.table = table
                relations.reference = input.pending.vectors[reference]
                relations.referenceColumn = reference
            }
            return input.encode(column, block, ranks: layout.ranks[column], relations)
        }
    }

    /// One place for each job's result.
    final class Results<Result>: @unchecked Sendable {  // Sendable: each job writes its own place only.
        private let places: UnsafeMutableBufferPointer<Result>

        init(count: Int, empty: Result) {
            places = .allocate(capacity: count)
            places.initialize(repeating: empty)
        }

        deinit {
            places.deinitialize()
            places.deallocate()
        }

        subscript(_ index: Int) -> Result {
            get { places[index] }
            set { places[index] = newValue }
        }
    }
}

import Dispatch
import Synchronization

/// Encodes all blocks of a stripe, on several threads.
struct StripeEncoder {
    let pending: PendingRows
    let options: PartOptions

    struct Stripe {
        var directories: [EncodedBlock]
        /// For each column the blocks of the stripe; none for the customer column.
        var columns: [[EncodedBlock]]
    }

    func encode() -> Stripe {
        let plans = pending.planner.blocks
        let starts = plans.map { pending.starts(of: $0) }
        let effort = EncodingEffort(thorough: options.thorough)
        // A job is a directory (column nil) or a column of one block.
        var jobs: [(column: Int?, block: Int)] = plans.indices.map { (nil, $0) }
        for column in pending.columns.indices where column != pending.customerColumn {
            for block in plans.indices { jobs.append((column, block)) }
        }
        let results = Results(count: jobs.count)
        let work = Work(pending: pending, plans: plans, starts: starts, jobs: jobs, effort: effort)
        StripeEncoder.forEach(jobs.count, workers: options.workers) { job in
            results[job] = work.encode(job)
        }
        var stripe = Stripe(directories: [], columns: pending.columns.map { _ in [] })
        for (index, job) in jobs.enumerated() {
            if let column = job.column {
                stripe.columns[column].append(results[index])
            } else {
                stripe.directories.append(results[index])
            }
        }
        return stripe
    }

    private static func forEach(_ count: Int, workers: Int, _ body: @Sendable (Int) -> Void) {
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

    /// What the jobs read.
    ///
    /// Nobody writes to the pending rows while they are encoded.
    private struct Work: @unchecked Sendable {
        let pending: PendingRows
        let plans: [RowBlockPlan]
        let starts: [[UInt32]]
        let jobs: [(column: Int?, block: Int)]
        let effort: EncodingEffort

        func encode(_ job: Int) -> EncodedBlock {
            let block = jobs[job].block
            let plan = plans[block]
            guard let column = jobs[job].column else {
                return DirectoryEncoder.encode(starts: starts[block], keys: pending.keys(of: plan), effort: effort)
            }
            let encoder = ColumnBlockEncoder(
                definition: pending.columns[column], vector: pending.vectors[column], firstRow: plan.firstRow,
                rowCount: plan.rowCount, customerStarts: starts[block],
                partDictionaryCount: pending.hasPartDictionary[column] ? pending.dictionaryCounts[column] : nil,
                pool: pending.pools[column], effort: effort)
            return encoder.encode()
        }
    }

    /// One place for each job's result; each job writes its own place only.
    private final class Results: @unchecked Sendable {
        private let blocks: UnsafeMutableBufferPointer<EncodedBlock>

        init(count: Int) {
            blocks = .allocate(capacity: count)
            blocks.initialize(repeating: EncodedBlock(bytes: []))
        }

        deinit {
            blocks.deinitialize()
            blocks.deallocate()
        }

        subscript(_ index: Int) -> EncodedBlock {
            get { blocks[index] }
            set { blocks[index] = newValue }
        }
    }
}

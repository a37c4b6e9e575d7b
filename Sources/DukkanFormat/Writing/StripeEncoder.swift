import Dispatch
import Synchronization

/// Encodes all blocks of a stripe, on several threads.
struct StripeEncoder {
    let pending: PendingRows
    let options: PartOptions
    /// For each column the ranks of its codes, where it stores ranks.
    let ranks: [[UInt32]?]

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
        let results = Results(count: jobs.count, empty: EncodedBlock(bytes: []))
        let work = Work(
            pending: pending, plans: plans, starts: starts, jobs: jobs, ranks: ranks, effort: effort)
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

    /// For each column the codes by rank, where the stripe's blocks are smaller with ranks than with codes.
    func chooseRanks() -> [[UInt32]?] {
        let plans = pending.planner.blocks
        let starts = plans.map { pending.starts(of: $0) }
        let effort = EncodingEffort(thorough: options.thorough)
        let results = Results<[UInt32]?>(count: pending.columns.count, empty: nil)
        let input = Work(pending: pending, plans: plans, starts: starts, jobs: [], ranks: [], effort: effort)
        StripeEncoder.forEach(pending.columns.count, workers: options.workers) { column in
            results[column] = input.codesByRank(column)
        }
        return (0..<pending.columns.count).map { results[$0] }
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
        let ranks: [[UInt32]?]
        let effort: EncodingEffort

        func encode(_ job: Int) -> EncodedBlock {
            let block = jobs[job].block
            guard let column = jobs[job].column else {
                return DirectoryEncoder.encode(
                    starts: starts[block], keys: pending.keys(of: plans[block]), effort: effort)
            }
            return encode(column, block, ranks: ranks[column])
        }

        /// Ranks must save this many percent, since decoding looks each of them up.
        private static let rankGainPercentMin = 4

        func codesByRank(_ column: Int) -> [UInt32]? {
            let count = pending.dictionaryCounts[column]
            guard pending.hasPartDictionary[column], count > 2, count <= PartDictionary.rankedCountMax,
                let last = plans.last
            else { return nil }
            let codes = PartDictionary.codesByRank(pending.vectors[column].codes, last.firstRow + last.rowCount, count)
            let ranks = PartDictionary.ranks(of: codes)
            // A quarter of the stripe tells.
            var codesByteCount = 0, ranksByteCount = 0
            for block in stride(from: 0, to: plans.count, by: 4) {
                codesByteCount += encode(column, block, ranks: nil).bytes.count
                ranksByteCount += encode(column, block, ranks: ranks).bytes.count
            }
            // The table itself is written once, for all stripes; a part of one block must still pay for it.
            ranksByteCount += count * plans.count / (8 * PartLimits.stripeBlockCountMax) + count / plans.count
            let limit = codesByteCount * (100 - Work.rankGainPercentMin) / 100
            return ranksByteCount < limit ? codes : nil
        }

        private func encode(_ column: Int, _ block: Int, ranks: [UInt32]?) -> EncodedBlock {
            let plan = plans[block]
            let encoder = ColumnBlockEncoder(
                definition: pending.columns[column], vector: pending.vectors[column], firstRow: plan.firstRow,
                rowCount: plan.rowCount, customerStarts: starts[block],
                partDictionaryCount: pending.hasPartDictionary[column] ? pending.dictionaryCounts[column] : nil,
                ranks: ranks, pool: pending.pools[column], effort: effort)
            return encoder.encode()
        }
    }

    /// One place for each job's result; each job writes its own place only.
    private final class Results<Result>: @unchecked Sendable {
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

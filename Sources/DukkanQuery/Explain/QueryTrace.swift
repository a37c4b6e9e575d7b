import DukkanFormat
import DukkanStorage
import Synchronization

/// What an EXPLAIN gathers on a query's way.
final class QueryTrace: Sendable {
    let isAnalyzed: Bool
    /// The calling thread's meter: planning, waiting for the threads, merging, answering.
    let coordinator = WorkMeter()

    private struct Gathered {
        var plan: PlanNode?
        var meters: [WorkMeter] = []
        var cost: MutexCost?
        var groupCount: Int?
        var stateByteCount: Int?
    }
    private let gathered = Guarded(Gathered())

    init(isAnalyzed: Bool) {
        self.isAnalyzed = isAnalyzed
        coordinator.enter(.plan)
    }

    /// Begins a phase; called by the calling thread only.
    func enter(_ stage: WorkMeter.Stage) {
        coordinator.enter(stage)
    }

    func note(groups: Int, byteCount: Int) {
        gathered.withLock {
            $0.groupCount = groups
            $0.stateByteCount = byteCount
        }
    }

    fileprivate func note(_ plan: PlanNode, _ cost: MutexCost) {
        gathered.withLock {
            $0.plan = plan
            $0.cost = cost
        }
    }

    /// The explanation, once the query has ended.
    func explanation(_ answer: QueryResult, options: EngineOptions, parsing: Duration?) -> Explanation {
        coordinator.enter(.other)
        let gathered = gathered.withLock { $0 }
        let plan = gathered.plan ?? PlanNode(name: "Answer")
        let meters = gathered.cost?.meters ?? []
        let assembly = ExplanationAssembly(
            coordinator: coordinator, workers: meters, rowCount: answer.rows.count, groupCount: gathered.groupCount,
            stateByteCount: gathered.stateByteCount)
        var explanation = Explanation(
            root: assembly.operators(plan, isAnalyzed: isAnalyzed), threads: options.threads,
            memoryBudgetBytes: options.memoryBudgetBytes)
        if isAnalyzed { explanation.analysis = assembly.analysis(answer.cost, parsing: parsing) }
        return explanation
    }
}

extension QueryContext {
    /// Tells an EXPLAIN the plan; an empty answer where it wants no more than that, and nil where the query runs on.
    func planned(_ describe: () -> PlanNode) -> QueryResult? {
        guard let trace else { return nil }
        trace.note(describe(), cost)
        return trace.isAnalyzed ? nil : QueryResult(columns: [], rows: [])
    }
}

import DukkanStorage

/// Puts a plan and the threads' meters together.
struct ExplanationAssembly {
    let coordinator: WorkMeter
    let workers: [WorkMeter]
    let rowCount: Int
    let groupCount: Int?
    let stateByteCount: Int?

    func operators(_ node: PlanNode, isAnalyzed: Bool) -> Explanation.Operator {
        var result = Explanation.Operator(
            name: node.name, subject: node.subject, facts: node.facts, columns: [], work: nil,
            inputs: node.inputs.map { operators($0, isAnalyzed: isAnalyzed) })
        if case .table(_, _, let columns) = node.source { result.columns = columns }
        guard isAnalyzed else { return result }
        var work = Explanation.Work(
            rowsIn: nil, rowsOut: nil, threadTimes: workers.map { time($0, node) }, callerTime: time(coordinator, node))
        if let stage = node.rows {
            work.rowsIn = workers.reduce(0) { $0 + $1.rowsIn[stage.place] }
            // A behaviour ends the flow of rows: what it gives stands in the answer.
            if stage != .sequence { work.rowsOut = workers.reduce(0) { $0 + $1.rowsOut[stage.place] } }
        }
        switch node.source {
        case .none: break
        case .answer: work.rowsOut = rowCount
        case .scan:
            work.rowsOut = workers.reduce(0) { $0 + $1.delivered.reduce(0, +) }
            result.facts.append(.init(name: "customers", content: .count(workers.reduce(0) { $0 + $1.customers })))
        case .table(let place, let table, _):
            result.columns = measured(result.columns, table)
            work.rowsIn = result.columns.map(\.rowsDecoded).max() ?? 0
            work.rowsOut = workers.reduce(0) { $0 + ($1.delivered.indices.contains(place) ? $1.delivered[place] : 0) }
        }
        if node.rows == .group, let groupCount {
            result.facts.append(.init(name: "groups", content: .count(groupCount)))
        }
        if node.rows == .aggregate, let groupCount, let stateByteCount {
            work.rowsOut = groupCount
            result.facts.append(.init(name: "memory", content: .bytes(stateByteCount)))
        }
        if node.rows == .steps { result.facts.append(.init(name: "rows of each step", content: .texts(stepRows()))) }
        result.work = work
        return result
    }

    private func stepRows() -> [String] {
        let count = workers.map(\.tallies.count).max() ?? 0
        return (0..<count).map { step in
            let rows = workers.reduce(0) { $0 + ($1.tallies.indices.contains(step) ? $1.tallies[step] : 0) }
            return ExplanationText.grouped(rows)
        }
    }

    private func time(_ meter: WorkMeter, _ node: PlanNode) -> Duration {
        var nanoseconds = 0
        for stage in node.stages { nanoseconds += meter.nanoseconds[stage.place] }
        if case .table(_, let table, _) = node.source {
            for column in meter.columns where ExplanationAssembly.owns(table, column) {
                nanoseconds += column.nanoseconds
            }
        }
        return .nanoseconds(nanoseconds)
    }

    private static func owns(_ table: TableSnapshot, _ work: WorkMeter.ColumnWork) -> Bool {
        table.parts.contains { ObjectIdentifier($0.file) == work.file }
    }

    /// The columns of a table with what was read of them, those first that the plan names.
    private func measured(_ planned: [Explanation.Column], _ table: TableSnapshot) -> [Explanation.Column] {
        var columns = planned
        for work in (workers + [coordinator]).flatMap(\.columns) where ExplanationAssembly.owns(table, work) {
            let place = columns.firstIndex { $0.name == work.column } ?? columns.count
            if place == columns.count {
                columns.append(Explanation.Column(name: work.column, blocksPlanned: 0, bytesPlanned: 0))
            }
            columns[place].blocksRead += work.blocks
            columns[place].dictionariesRead += work.dictionaries
            columns[place].bytesRead += work.bytesRead
            columns[place].bytesDecoded += work.bytesDecoded
            columns[place].rowsDecoded += work.rows
            columns[place].readTime += .nanoseconds(work.readNanoseconds)
            columns[place].checkTime += .nanoseconds(work.checkNanoseconds)
            columns[place].decodeTime += .nanoseconds(work.decodeNanoseconds)
        }
        return columns
    }

    func analysis(_ cost: QueryResult.Cost, parsing: Duration?) -> Explanation.Analysis {
        func caller(_ stages: WorkMeter.Stage...) -> Duration {
            .nanoseconds(stages.reduce(0) { $0 + coordinator.nanoseconds[$1.place] })
        }
        var phases = Explanation.Phases()
        phases.parse = parsing ?? .zero
        // What the calling thread reads, it reads for the plan.
        phases.plan = caller(.plan, .other) + .nanoseconds(coordinator.columns.reduce(0) { $0 + $1.nanoseconds })
        phases.run = caller(.run)
        phases.merge = caller(.merge)
        phases.answer = caller(.sort, .output)
        return Explanation.Analysis(
            phases: phases,
            threadTimes: workers.map { meter in
                .nanoseconds(meter.nanoseconds.reduce(0, +) + meter.columns.reduce(0) { $0 + $1.nanoseconds })
            },
            processorTimes: workers.map { .nanoseconds($0.processorNanoseconds) },
            countingTime: .nanoseconds(
                workers.reduce(0) { $0 + $1.nanoseconds[WorkMeter.Stage.counting.place] }),
            cost: cost, rowCount: rowCount)
    }
}

extension WorkMeter.ColumnWork {
    fileprivate var nanoseconds: Int { readNanoseconds + checkNanoseconds + decodeNanoseconds }
}

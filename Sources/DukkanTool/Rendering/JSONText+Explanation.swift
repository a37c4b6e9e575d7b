import Dukkan

extension JSONText {
    /// An explanation as one object; times in milliseconds.
    static func text(_ explanation: Explanation) -> String {
        var members: [(String, String)] = [
            ("threads", String(explanation.threads)),
            ("memory_budget_bytes", String(explanation.memoryBudgetBytes)),
        ]
        if let analysis = explanation.analysis {
            let phases = analysis.phases
            var times = [
                ("parse_ms", phases.parse), ("plan_ms", phases.plan), ("run_ms", phases.run),
                ("merge_ms", phases.merge), ("answer_ms", phases.answer),
            ]
            if let render = phases.render { times.append(("render_ms", render)) }
            times.append(("total_ms", phases.total))
            members.append(("phases", object(times.map { ($0.0, milliseconds($0.1)) })))
            members.append(("thread_ms", list(analysis.threadTimes.map { milliseconds($0) })))
            members.append(("thread_processor_ms", list(analysis.processorTimes.map { milliseconds($0) })))
            members.append(("counting_ms", milliseconds(analysis.countingTime)))
            members.append(("bytes_read", String(analysis.cost.bytesRead)))
            members.append(("blocks_decoded", String(analysis.cost.blocksDecoded)))
            members.append(("blocks_pruned", String(analysis.cost.blocksPruned)))
            members.append(("rows_scanned", String(analysis.cost.rowsScanned)))
            members.append(("rows", String(analysis.rowCount)))
        }
        members.append(("root", text(explanation.root)))
        return object(members)
    }

    private static func text(_ operation: Explanation.Operator) -> String {
        var members = [("operator", quoted(operation.name))]
        if !operation.subject.isEmpty { members.append(("subject", quoted(operation.subject))) }
        if let work = operation.work {
            members.append(("time_ms", milliseconds(work.time)))
            members.append(("thread_ms", list(work.threadTimes.map { milliseconds($0) })))
            if let rows = work.rowsIn { members.append(("rows_in", String(rows))) }
            if let rows = work.rowsOut { members.append(("rows_out", String(rows))) }
        }
        let facts = operation.facts.map { fact in
            let name = String(fact.name.map { $0 == " " ? "_" : $0 }.filter { $0 != "," })
            return switch fact.content {
            case .count(let count): (name, String(count))
            case .bytes(let count): (name + "_bytes", String(count))
            case .text(let text): (name, quoted(text))
            case .texts(let texts): (name, list(texts.map { quoted($0) }))
            }
        }
        if !facts.isEmpty { members.append(("facts", object(facts))) }
        if !operation.columns.isEmpty {
            let isMeasured = operation.work != nil
            members.append(("columns", list(operation.columns.map { text($0, isMeasured: isMeasured) })))
        }
        if !operation.inputs.isEmpty { members.append(("inputs", list(operation.inputs.map { text($0) }))) }
        return object(members)
    }

    private static func text(_ column: Explanation.Column, isMeasured: Bool) -> String {
        var members = [
            ("name", quoted(column.name)), ("blocks_planned", String(column.blocksPlanned)),
            ("bytes_planned", String(column.bytesPlanned)),
        ]
        if isMeasured {
            members += [
                ("blocks_read", String(column.blocksRead)), ("dictionaries_read", String(column.dictionariesRead)),
                ("bytes_read", String(column.bytesRead)), ("bytes_decoded", String(column.bytesDecoded)),
                ("rows_decoded", String(column.rowsDecoded)), ("read_ms", milliseconds(column.readTime)),
                ("check_ms", milliseconds(column.checkTime)), ("decode_ms", milliseconds(column.decodeTime)),
            ]
        }
        return object(members)
    }

    private static func milliseconds(_ duration: Duration) -> String {
        ValueText.fixed(duration.milliseconds, digits: 4)
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(quoted($0.0)): \($0.1)" }.joined(separator: ", ") + "}"
    }

    private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }
}

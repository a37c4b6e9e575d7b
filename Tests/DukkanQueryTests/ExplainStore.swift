import DukkanFormat
import DukkanStorage

@testable import DukkanQuery

/// A made-up store of which every count is known: customers with the same rows each, in one part or several.
struct ExplainStore {
    let engine: EngineStore
    let customerCount: Int

    /// Kinds of a customer's rows, a minute apart; row r of commit c is at day c.
    static let kinds = ["view", "view", "cart", "view", "buy"]
    static let day: Int64 = 86_400_000_000

    init(customers: Int, commits: Int = 1) throws {
        engine = try EngineStore()
        customerCount = customers
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("time", .timestamp, role: .time),
            ColumnDefinition("kind", .string), ColumnDefinition("amount", .int),
        ]
        try engine.core.createTable(TableSchema("events", columns: columns))
        for commit in 0..<commits {
            let vectors = columns.map { ColumnVector($0.type.physical) }
            var codes: [Value] = []
            for customer in 0..<customers {
                for (row, kind) in ExplainStore.kinds.enumerated() {
                    vectors[0].append(Int64(customer))
                    vectors[1].append(Int64(commit) * ExplainStore.day + Int64(row) * 60_000_000)
                    codes.append(.string(kind))
                    vectors[3].append(Int64(customer * 7 + row))
                }
            }
            try vectors[2].assign(codes, .string)
            try engine.core.append(table: "events", RowBatch(columns: vectors, rowCount: codes.count))
            try engine.core.commit()
        }
    }

    func explain(_ statement: Statement, analyze: Bool, threads: Int = 1) throws -> Explanation {
        let options = EngineOptions(threads: threads, memoryBudgetBytes: 1 << 28) { "\($0)" }
        return try Engine.explain(
            statement, analyze: analyze, snapshot: try engine.core.snapshot(), options: options, control: nil
        ).explanation
    }

    /// Bytes of the blocks of columns, from the parts' footers; `nil` is the customer directory.
    func byteCount(of column: String?) throws -> (blocks: Int, bytes: Int) {
        var blocks = 0, bytes = 0
        for part in try engine.core.snapshot().tables[0].parts {
            blocks += part.footer.rowBlocks.count
            guard let column else {
                bytes += part.footer.rowBlocks.reduce(0) { $0 + $1.directory.byteCount }
                continue
            }
            guard let place = part.column(forSchemaColumn: column) else { continue }
            bytes += part.footer.columns[place].blocks.reduce(0) { $0 + $1.location.byteCount }
            bytes += part.footer.columns[place].dictionary?.byteCount ?? 0
        }
        return (blocks, bytes)
    }

    static func isKind(_ kind: String) -> Expression {
        .binary(.equal, .column(ColumnName("kind")), .literal(.string(kind)))
    }

    static func grouped(where filter: Expression? = nil, options: QueryOptions = QueryOptions()) -> Statement {
        .select(
            SliceQuery(
                [
                    .init(.column(ColumnName("kind"))), .init(.aggregate(Aggregate(.count))),
                    .init(.aggregate(Aggregate(.sum, of: .column(ColumnName("amount"))))),
                ], from: "events", where: filter, groupBy: [.column(ColumnName("kind"))], options: options))
    }

    static let funnel = Statement.funnel(
        FunnelQuery(
            [
                Step(in: "events", where: isKind("view")), Step(in: "events", where: isKind("cart")),
                Step(in: "events", where: isKind("buy")),
            ], within: day))

    static let retention = Statement.retention(
        RetentionQuery(
            of: Step(in: "events", where: isKind("view")), returning: Step(in: "events", where: isKind("buy")),
            by: .day, periods: 3))

    static let deciles = Statement.deciles(
        DecileQuery(by: Aggregate(.sum, of: .column(ColumnName("amount")), table: "events")))

    static let rows = Statement.select(
        SliceQuery(
            [.init(.column(ColumnName("amount")))], from: "events", where: isKind("buy"),
            orderBy: [.init(.column(ColumnName("amount")), descending: true)], limit: 3))
}

extension Explanation {
    /// All operators, the answer first.
    var operators: [Operator] { Explanation.flat(root) }

    private static func flat(_ operation: Operator) -> [Operator] {
        [operation] + operation.inputs.flatMap { flat($0) }
    }

    func first(_ name: String) -> Operator? { operators.first { $0.name == name } }
}

extension Explanation.Operator {
    func column(_ name: String) -> Explanation.Column? { columns.first { $0.name == name } }

    func count(_ name: String) -> Int? {
        for fact in facts where fact.name == name {
            if case .count(let count) = fact.content { return count }
        }
        return nil
    }

    func texts(_ name: String) -> [String] {
        for fact in facts where fact.name == name {
            switch fact.content {
            case .texts(let texts): return texts
            case .text(let text): return [text]
            default: break
            }
        }
        return []
    }
}

import DukkanFormat
import DukkanStorage

extension PlanDescription {
    /// `SELECT` of rows.
    func rows(_ query: SliceQuery, filter: BoundExpression?) -> PlanNode {
        var items = PlanNode(name: "Rows", stages: [.rows], rows: .rows)
        items.add("items", texts: query.items.isEmpty ? ["*"] : query.items.map { context.title($0.expression) })
        let chosen = self.filter(filter, SliceRun.conjunction(query.filter, query.options.segment.map { .segment($0) }))
        return .chain([answer(query.options), sort(query)] + [items] + [chosen].compactMap { $0 } + source())
    }

    /// `SELECT` with groups or aggregates.
    func groups(_ query: SliceQuery, filter: BoundExpression?, _ grouping: GroupingPlan) -> PlanNode {
        var aggregate = PlanNode(name: "Aggregate", stages: [.aggregate], rows: .aggregate)
        aggregate.add("items", texts: query.items.map { context.title($0.expression) })
        aggregate.add("having", title(query.having))
        var nodes = [answer(query.options), sort(query), aggregate]
        if !query.groupBy.isEmpty {
            var group = PlanNode(name: "Group", stages: [.group], rows: .group)
            group.add("by", texts: query.groupBy.map { context.title($0) })
            switch grouping {
            case .single: break
            case .dense(let keys, let count):
                let sizes = keys.map { String($0.radix) }.joined(separator: " × ")
                group.add(
                    "numbered by", keys.count > 1 ? "array of \(sizes) = \(count) places" : "array of \(count) places")
            case .hashed: group.add("numbered by", "hash table")
            }
            nodes.append(group)
        } else {
            aggregate.stages.append(.group)
            nodes[2] = aggregate
        }
        let text = SliceRun.conjunction(query.filter, query.options.segment.map { .segment($0) })
        return .chain(nodes + [self.filter(filter, text)].compactMap { $0 } + source())
    }

    /// `SELECT` of aggregates that the parts' statistics know.
    func statistics(_ query: SliceQuery) -> PlanNode {
        var aggregate = PlanNode(name: "Aggregate", subject: "from statistics, without reading rows")
        aggregate.add("items", texts: query.items.map { context.title($0.expression) })
        var table = PlanNode(name: "Table", subject: plan.tables[0].schema.name)
        table.add("rows", count: plan.tables[0].rowCount)
        table.add("parts", count: plan.tables[0].parts.count)
        return .chain([answer(query.options), aggregate, table])
    }

    private func sort(_ query: SliceQuery) -> PlanNode {
        var node = PlanNode(name: "Sort", stages: [.sort])
        var keys = query.orderBy.map { key in
            context.title(key.expression) + (key.descending ? " DESC" : "") + (key.nullsFirst ? " NULLS FIRST" : "")
        }
        if keys.isEmpty { keys = query.groupBy.map { context.title($0) } }
        node.add("by", texts: keys)
        if let limit = query.limit { node.add("limit", count: limit) }
        if query.offset > 0 { node.add("offset", count: query.offset) }
        return node
    }
}

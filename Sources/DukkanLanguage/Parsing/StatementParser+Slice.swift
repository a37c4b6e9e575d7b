import DukkanFormat
import DukkanQuery

extension StatementParser {
    private static let sliceClauses: [Keyword] = [.where, .group, .having, .order, .limit, .offset]

    /// Reads a slice behind `SELECT`.
    func slice() throws(Fault) -> SliceQuery {
        if isAt(.distinct), startsOperand(ahead()) {
            throw notAvailable("SELECT DISTINCT", at: current, advice: "GROUP BY gives each combination once")
        }
        let items = try items()
        if !accept(.from) { throw unexpected(items.isEmpty ? "FROM after '*'" : "',' or FROM", near: [.from]) }
        var query = SliceQuery(items, from: try name("a table after FROM"))
        var seen: Set<Keyword> = []
        while !isAtEnd {
            if try option(into: &query.options, &seen) { continue }
            let start = current
            guard let clause = start.keyword, StatementParser.sliceClauses.contains(clause) else {
                throw unexpectedClause(of: "SELECT", StatementParser.sliceClauses, later: [.join, .union])
            }
            advance()
            try once(clause, &seen, at: start)
            switch clause {
            case .where: query.filter = try expression()
            case .group:
                try expect(.by, after: "GROUP")
                query.groupBy = try keys(of: "GROUP BY") { () throws(Fault) in try key(of: items) }
            case .having: query.having = try expression()
            case .order:
                try expect(.by, after: "ORDER")
                query.orderBy = try keys(of: "ORDER BY") { () throws(Fault) in try ordering(of: items) }
            case .limit: query.limit = try count("the number of rows after LIMIT")
            default: query.offset = try count("the number of rows after OFFSET")
            }
        }
        return query
    }

    private func items() throws(Fault) -> [SliceQuery.Item] {
        if current.kind == .star {
            advance()
            if current.kind == .comma {
                throw error("'*' stands alone: it is all columns of the table", at: current)
            }
            return []
        }
        var items: [SliceQuery.Item] = []
        repeat {
            if items.count == Parser.itemCountMax {
                throw tooMany("a slice has at most \(Parser.itemCountMax) columns")
            }
            let expression = try expression()
            var item = SliceQuery.Item(expression)
            if accept(.as) {
                item.name = try name("a name after AS")
            } else if isAtName {
                let isWhole = ahead().kind == .comma || ahead().keyword == .from
                let isMisspelled = current.kind == .word && NearestName.find(text(of: current), among: ["FROM"]) != nil
                if isMisspelled, !isWhole { throw unexpected("',' or FROM", near: [.from]) }
                item.name = try name("a name")
            }
            items.append(item)
        } while accept(.comma)
        return items
    }

    private func keys<Key>(
        of clause: String, _ key: () throws(Fault) -> Key
    ) throws(Fault) -> [Key] {
        var keys: [Key] = []
        repeat {
            if keys.count == Parser.keyCountMax {
                throw tooMany("\(clause) has at most \(Parser.keyCountMax) expressions")
            }
            keys.append(try key())
        } while accept(.comma)
        return keys
    }

    /// Reads an expression to group or to sort by; a number alone is the place of an item, from 1.
    private func key(of items: [SliceQuery.Item]) throws(Fault) -> Expression {
        guard current.kind == .integer, isAloneAhead else { return try expression() }
        let start = current
        let place = try count("the place of a column of the answer", minimum: 1)
        guard place <= items.count else {
            let message =
                items.isEmpty
                ? "SELECT * has no columns to count" : "there is no column \(place), SELECT has \(items.count)"
            throw error(message, at: start)
        }
        return items[place - 1].expression
    }

    /// Whether the current token is a whole key: an operator or a unit of time does not follow.
    private var isAloneAhead: Bool {
        let next = ahead()
        switch next.kind {
        case .comma, .rightParenthesis, .semicolon, .end: return true
        case .word:
            guard let keyword = next.keyword else { return false }
            let clauses = StatementParser.sliceClauses + [.asc, .desc, .nulls, .as, .time, .for]
            return clauses.contains(keyword) || keyword == .week && ahead(2).keyword == .start
                || keyword == .in && ahead(2).keyword == .segment || keyword == .by
        default: return false
        }
    }

    private func ordering(of items: [SliceQuery.Item]) throws(Fault) -> SliceQuery.Ordering {
        var ordering = SliceQuery.Ordering(try key(of: items))
        if accept(.desc) { ordering.descending = true } else { _ = accept(.asc) }
        if accept(.nulls) {
            ordering.nullsFirst = isAt(.first)
            if !accept(.first), !accept(.last) {
                throw unexpected("FIRST or LAST after NULLS", near: [.first, .last])
            }
        }
        return ordering
    }

    // MARK: Deciles

    /// Reads what stands behind `DECILES`.
    func deciles() throws(Fault) -> DecileQuery {
        try expect(.of, after: "DECILES")
        try expect(.customers, after: "DECILES OF")
        try expect(.by, after: "DECILES OF customers")
        let start = current
        guard case .aggregate(var measure) = try segmentCondition() else {
            throw error("DECILES are BY one aggregate, as sum(orders.revenue)", at: start)
        }
        var options = QueryOptions()
        var seen: Set<Keyword> = []
        while !isAtEnd {
            if try option(into: &options, &seen) { continue }
            let start = current
            guard accept(.where) else { throw unexpectedClause(of: "DECILES", [.where]) }
            try once(.where, &seen, at: start)
            if measure.filter != nil {
                throw error("the measure has two filters", at: start, advice: "join them with AND")
            }
            measure.filter = try expression()
        }
        return DecileQuery(by: measure, options: options)
    }
}

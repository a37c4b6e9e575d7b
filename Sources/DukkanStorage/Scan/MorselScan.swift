package import DukkanFormat

/// A plan to read tables in morsels: ranges of customers at which all tables are cut alike, or, where customers do not
/// matter, single row blocks.
///
/// A scan by customer delivers each customer's rows of all requested tables in one morsel and in total order, merged over
/// overlapping parts. A scan by block delivers every row once, in no particular order, and never looks at the directory.
package final class MorselScan: Sendable {
    enum Morsel: Sendable {
        case customers(CustomerRange)
        /// One row block of one part of request 0.
        case block(part: Int, block: Int)
    }

    /// How a scan goes through its tables.
    package enum Order: Sendable, Equatable {
        /// Every customer's rows together; rows without customer do not take part.
        case byCustomer
        /// The same, and then the first table's rows without customer in morsels of their own.
        case byCustomerWithAnonymous
        /// Row blocks as they lie (one table only).
        case byBlock
    }

    /// Rows that a morsel of several parts or tables aims at: so few that what is copied stays in the nearest caches, but many
    /// for each part, since each costs a search.
    static func morselRowCount(partCount: Int) -> Int { min(1 << 16, max(1 << 14, partCount << 10)) }

    package let requests: [TableRequest]
    let codeSources: [[CodeSource]]
    let morsels: [Morsel]
    /// Morsels of so many rows, because of one customer, that they must not come last; the largest first.
    let heavyMorsels: [Int]
    let isStringCustomer: Bool
    /// Whether morsels are ranges of customers, of which `customers` are all.
    let isByCustomer: Bool
    let customers: CustomerRange
    /// For each request the orders of its rows that are kept; nil where none are.
    let orders: [MergedOrders?]
    /// Whether the order of a request's rows is known in every morsel, so that nobody asks who the customers of a row block
    /// are.
    let isOrdered: [Bool]

    /// Plans a scan.
    ///
    /// Reads the part dictionaries of the requested string columns; O(row blocks + dictionary bytes).
    package init(
        requests: [TableRequest], order: Order, customers: CustomerRange = .all, reader: BlockReader
    ) throws {
        precondition(!requests.isEmpty && (order != .byBlock || requests.count == 1))
        precondition(requests.count == 1 || !requests.contains { $0.ignoresKeys })
        let decisions = requests.map { MorselScan.decided($0) }
        let requests = decisions.map(\.request)
        self.requests = requests
        self.customers = customers
        isByCustomer = order != .byBlock
        isStringCustomer = requests.contains {
            $0.table.schema.columns[$0.table.schema.customerColumn].type == .string
        }
        codeSources = try requests.map { request in
            try request.columns.map { try MorselScan.codeSource(request.table, column: $0, reader) }
        }
        var morsels: [Morsel] = []
        var heavy: [Int] = []
        var orders = [MergedOrders?](repeating: nil, count: requests.count)
        switch order {
        case .byCustomer, .byCustomerWithAnonymous:
            let ranges = MorselScan.ranges(requests, within: customers)
            morsels = ranges.map { .customers($0.range) }
            // Questions about one customer are as many as there are customers.
            for (t, request) in requests.enumerated() where customers.isSame(as: .all) {
                // Counted rows are not merged, and strings of a block's own are numbered morsel by morsel.
                if request.makeChoice != nil || codeSources[t].contains(where: \.isLocal) { continue }
                orders[t] = request.table.mergedOrders(ranges.map(\.range), pruned: decisions[t].pruned)
            }
            let mean = ranges.reduce(0) { $0 + $1.rows } / max(1, ranges.count)
            heavy = ranges.indices.filter { ranges[$0].rows / MorselScan.heavyMorselFactor > mean }
            heavy = heavy.inOrder { ranges[$0].rows > ranges[$1].rows }
            if order == .byCustomerWithAnonymous {
                for (p, part) in requests[0].table.parts.enumerated() {
                    for b in part.footer.firstNullCustomerBlock..<part.footer.rowBlocks.count
                    where requests[0].isPruned?(p, b) != true {
                        morsels.append(.block(part: p, block: b))
                    }
                }
            }
        case .byBlock:
            for (p, part) in requests[0].table.parts.enumerated() {
                for b in part.footer.rowBlocks.indices where requests[0].isPruned?(p, b) != true {
                    morsels.append(.block(part: p, block: b))
                }
            }
        }
        self.morsels = morsels
        heavyMorsels = heavy
        self.orders = orders
        isOrdered = zip(requests, orders).map { request, orders in
            orders?.isComplete(isByTime: request.timeOrder().isKept) ?? false
        }
    }

    /// A morsel of more than so many times the mean number of rows is heavy.
    private static let heavyMorselFactor = 4

    /// The request with the row blocks that it leaves out found once, since they are asked for several times, and these by
    /// part; none where nothing is left out.
    private static func decided(_ request: TableRequest) -> (request: TableRequest, pruned: [[Bool]]) {
        guard let isPruned = request.isPruned else { return (request, []) }
        let flags = request.table.parts.enumerated().map { p, part in
            part.footer.rowBlocks.indices.map { isPruned(p, $0) }
        }
        var decided = request
        guard flags.contains(where: { $0.contains(true) }) else {
            decided.isPruned = nil
            return (decided, [])
        }
        decided.isPruned = { part, block in flags[part][block] }
        return (decided, flags)
    }

    package var morselCount: Int { morsels.count }

    /// The customers with whom a morsel begins where another ends, ascending.
    var cuts: [CustomerKey] {
        morsels.compactMap { morsel in
            if case .customers(let range) = morsel, !range.includesUpper { range.upper } else { nil }
        }
    }

    /// Row blocks that the requests' statistics rule out, for the cost of a query.
    package var prunedBlockCount: Int {
        var count = 0
        for request in requests {
            guard let isPruned = request.isPruned else { continue }
            for (p, part) in request.table.parts.enumerated() {
                count += part.footer.rowBlocks.indices.count { isPruned(p, $0) }
            }
        }
        return count
    }

    /// The one dictionary that a string column has in all morsels; nil where each morsel has its own.
    package func sharedDictionary(_ request: Int, column: Int) -> StringDictionary? {
        if case .shared(let dictionary, _) = codeSources[request][column] { dictionary } else { nil }
    }

    /// Whether a morsel is one of rows without customer.
    package func isAnonymous(_ morsel: Int) -> Bool {
        if case .block = morsels[morsel] { true } else { false }
    }

    private static func codeSource(
        _ table: TableSnapshot, column: Int, _ reader: BlockReader
    ) throws -> CodeSource {
        guard table.schema.columns[column].type == .string else { return .none }
        let name = table.schema.columns[column].name
        var places: [Int] = []
        var dictionaries: [StringDictionary] = []
        var isShared = true
        for (p, part) in table.parts.enumerated() {
            guard let partColumn = part.column(forSchemaColumn: name) else { continue }
            guard part.footer.columns[partColumn].dictionary != nil else {
                isShared = false
                continue
            }
            places.append(p)
            dictionaries.append(try part.readDictionary(column: partColumn, reader: reader))
        }
        guard isShared else { return .local(perPart: Dictionary(uniqueKeysWithValues: zip(places, dictionaries))) }
        let union = table.union(ofColumn: column, dictionaries)
        var perPart = [Int: CodeSource.PartCodes]()
        for (i, p) in places.enumerated() {
            perPart[p] = CodeSource.PartCodes(dictionary: dictionaries[i], map: union.maps[i])
        }
        return .shared(union.dictionary, perPart: perPart)
    }

    /// Cuts the customers so that a morsel has about one row block of the dominating part, or else `morselRowCount` rows.
    ///
    /// - Returns: the ranges, and about how many rows each has.
    private static func ranges(
        _ requests: [TableRequest], within all: CustomerRange
    ) -> [(range: CustomerRange, rows: Int)] {
        struct Border {
            var key: CustomerKey
            var rows: Int
        }
        var total = 0
        var largest: (rows: Int, borders: [Border]) = (0, [])
        var borders: [Border] = []
        for request in requests {
            for (p, part) in request.table.parts.enumerated() {
                var own: [Border] = []
                var rows = 0
                for b in part.footer.blocks(of: all) {
                    if request.isPruned?(p, b) == true { continue }
                    let block = part.footer.rowBlocks[b]
                    guard let key = block.firstCustomer else { continue }
                    rows += block.rowCount
                    if block.continues, !own.isEmpty {
                        own[own.count - 1].rows += block.rowCount
                    } else {
                        own.append(Border(key: key, rows: block.rowCount))
                    }
                }
                total += rows
                if rows > largest.rows { largest = (rows, own) }
                borders += own
            }
        }
        if borders.isEmpty { return [] }
        // Each cut with the rows before it, of the last one on.
        var cuts: [Border] = []
        var lastRows = 0
        if largest.rows * 2 > total {
            lastRows = largest.borders[0].rows
            for border in largest.borders.dropFirst() {
                cuts.append(Border(key: border.key, rows: lastRows))
                lastRows = border.rows
            }
        } else {
            borders.sort { customerKeyPrecedes($0.key, $1.key) }
            let target = morselRowCount(partCount: requests.reduce(0) { $0 + $1.table.parts.count })
            var rows = 0
            for border in borders {
                if rows >= target {
                    cuts.append(Border(key: border.key, rows: rows))
                    rows = 0
                }
                rows += border.rows
            }
            lastRows = rows
        }
        var ranges: [(range: CustomerRange, rows: Int)] = []
        var lower = all.lower
        for cut in cuts {
            // A cut at the first key of its block belongs to the block behind it.
            if let lower, !customerKeyPrecedes(lower, cut.key) { continue }
            ranges.append((CustomerRange(lower: lower, upper: cut.key), cut.rows))
            lower = cut.key
        }
        ranges.append(
            (CustomerRange(lower: lower, upper: all.upper, includesUpper: all.includesUpper), lastRows))
        return ranges
    }
}

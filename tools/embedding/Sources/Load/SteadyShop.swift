import Dukkan

/// A shop whose answers can be told from the number of its commits.
///
/// Commit k, from 0, adds two events of each of 500 customers, who come round every 200 commits: a view, then for an even
/// customer a purchase a minute later, for an odd one another view. It adds ten orders, whose numbers come round every
/// 5,000 commits and then replace the older ones. Every twentieth commit is three days late.
enum SteadyShop {
    static let customerCount = 100_000
    static let customersOfCommit = 500
    static let ordersOfCommit = 10
    static let orderCount = 50_000
    /// Cents of an event and of an order; the same for all, so that sums follow from counts.
    static let cents: Int64 = 125
    private static let start: Int64 = 1_735_689_600_000_000
    private static let minute: Int64 = 60_000_000

    static let events = TableSchema(
        "events",
        columns: [
            ColumnDefinition("customer_id", .int, role: .customer),
            ColumnDefinition("ts", .timestamp, role: .time),
            ColumnDefinition("event", .string),
            ColumnDefinition("device", .string),
            ColumnDefinition("batch", .int),
            ColumnDefinition("value", .decimal(scale: 2)),
        ])
    static let orders = TableSchema(
        "orders",
        columns: [
            ColumnDefinition("order_id", .int, role: .unique),
            ColumnDefinition("customer_id", .int, role: .customer),
            ColumnDefinition("ordered_at", .timestamp, role: .time),
            ColumnDefinition("status", .string),
            ColumnDefinition("batch", .int),
            ColumnDefinition("revenue", .decimal(scale: 2)),
        ])

    /// Appends the rows of a commit, in an order that is neither that of customers nor that of times.
    static func append(_ commit: Int, to store: Store) throws {
        let late: Int64 = commit % 20 == 19 ? 3 * 1_440 * minute : 0
        let begin = start + Int64(commit) * 10 * minute - late
        var customers: [Int] = [], times: [Timestamp] = [], names: [String] = [], devices: [String] = []
        for place in 0..<customersOfCommit {
            let customer = (commit * customersOfCommit + place * 7 % customersOfCommit) % customerCount
            let device = customer % 4 == 0 ? "phone" : customer % 4 == 1 ? "tablet" : "desktop"
            let time = begin + Int64(place) * 1_000_000
            customers += [customer, customer]
            times += [Timestamp(microseconds: time), Timestamp(microseconds: time + minute)]
            names += ["view", customer % 2 == 0 ? "buy" : "view"]
            devices += [device, device]
        }
        let rows = RowBatchBuilder(events)
        try rows.append(customers, to: "customer_id")
        try rows.append(times, to: "ts")
        try rows.append(names, to: "event")
        try rows.append(devices, to: "device")
        try rows.append([Int](repeating: commit, count: customers.count), to: "batch")
        try rows.append(unscaled: [Int64](repeating: cents, count: customers.count), to: "value")
        try store.append(rows)
        try appendOrders(commit, at: begin, to: store)
    }

    private static func appendOrders(_ commit: Int, at begin: Int64, to store: Store) throws {
        let numbers = (0..<ordersOfCommit).map { (commit * ordersOfCommit + $0) % orderCount }
        let rows = RowBatchBuilder(orders)
        try rows.append(numbers, to: "order_id")
        try rows.append(numbers.map { $0 * 2 }, to: "customer_id")
        try rows.append(numbers.map { Timestamp(microseconds: begin + Int64($0)) }, to: "ordered_at")
        try rows.append(numbers.map { $0 % 3 == 0 ? "sent" : "paid" }, to: "status")
        try rows.append([Int](repeating: commit, count: numbers.count), to: "batch")
        try rows.append(unscaled: [Int64](repeating: cents, count: numbers.count), to: "revenue")
        try store.append(rows)
    }
}

/// A question, and what its answer must be after some number of commits.
struct SteadyQuestion: Sendable {
    let name: String
    let text: String
    /// The number of commits that an answer belongs to; nil where no number of commits has it.
    let commits: @Sendable (QueryResult) -> ClosedRange<Int>?

    static let all = [total, devices, orders, funnel, cohorts, customer]

    private static let total = SteadyQuestion(
        name: "total",
        text: "SELECT count(*), sum(value), max(batch), count(DISTINCT customer) FROM events"
    ) { result in
        guard let row = result.rows.first, let commits = row[2].whole.map({ $0 + 1 }) else { return none(result) }
        let rows = commits * 2 * SteadyShop.customersOfCommit
        guard row[0].whole == rows, row[1].unscaled == Int128(rows) * Int128(SteadyShop.cents),
            row[3].whole == min(commits * SteadyShop.customersOfCommit, SteadyShop.customerCount)
        else { return nil }
        return commits...commits
    }

    private static let devices = SteadyQuestion(
        name: "devices",
        text: "SELECT event, count(*), sum(value) FROM events WHERE device = 'phone' GROUP BY event ORDER BY event"
    ) { result in
        guard result.rows.count == 2 else { return none(result) }
        guard let count = result.rows[0][1].whole, count % (SteadyShop.customersOfCommit / 4) == 0 else { return nil }
        for row in result.rows
        where row[1].whole != count || row[2].unscaled != Int128(count) * Int128(SteadyShop.cents) { return nil }
        let commits = count / (SteadyShop.customersOfCommit / 4)
        return commits...commits
    }

    private static let orders = SteadyQuestion(
        name: "orders", text: "SELECT count(*), sum(revenue), max(batch) FROM orders"
    ) { result in
        guard let row = result.rows.first, let commits = row[2].whole.map({ $0 + 1 }) else { return none(result) }
        let count = min(commits * SteadyShop.ordersOfCommit, SteadyShop.orderCount)
        guard row[0].whole == count, row[1].unscaled == Int128(count) * Int128(SteadyShop.cents) else { return nil }
        return commits...commits
    }

    private static let funnel = SteadyQuestion(
        name: "funnel",
        text: "FUNNEL viewed = events WHERE event = 'view', bought = events WHERE event = 'buy' WITHIN 1 HOUR"
    ) { result in
        let reached = result.columns.firstIndex { $0.name == "reached" } ?? 0
        guard result.rows.count == 2, let first = result.rows[0][reached].whole,
            let second = result.rows[1][reached].whole, second * 2 == first
        else { return nil }
        return commits(withCustomers: first)
    }

    private static let cohorts = SteadyQuestion(
        name: "cohorts", text: "RETENTION OF events RETURNING events BY WEEK FOR 8 PERIODS FIRST TIME"
    ) { result in
        let period = result.columns.firstIndex { $0.name == "period" } ?? 0
        let size = result.columns.firstIndex { $0.name == "size" } ?? 0
        let cohort = result.columns.firstIndex { $0.name == "cohort" } ?? 0
        let sizes = result.rows.filter { $0[period].whole == 0 && $0[cohort] != .null }.compactMap { $0[size].whole }
        return commits(withCustomers: sizes.reduce(0, +))
    }

    private static let customer = SteadyQuestion(
        name: "customer", text: "SELECT count(*), max(batch) FROM events WHERE customer = 4712"
    ) { result in
        guard let row = result.rows.first, let last = row[1].whole else { return none(result) }
        let round = SteadyShop.customerCount / SteadyShop.customersOfCommit
        let first = 4_712 / SteadyShop.customersOfCommit
        guard last % round == first, row[0].whole == 2 * (last / round + 1) else { return nil }
        return last + 1...last + round
    }

    /// An answer without rows is that of a store before its first commits.
    private static func none(_ result: QueryResult) -> ClosedRange<Int>? {
        result.rows.allSatisfy { $0[0].whole ?? 0 == 0 } ? 0...SteadyShop.customerCount : nil
    }

    private static func commits(withCustomers count: Int) -> ClosedRange<Int>? {
        let each = SteadyShop.customersOfCommit
        guard count % each == 0, count <= SteadyShop.customerCount else { return nil }
        return count == SteadyShop.customerCount ? count / each...Int.max : count / each...count / each
    }
}

extension Value {
    /// A whole number that fits.
    var whole: Int? {
        if case .int(let number) = self { Int(exactly: number) } else { nil }
    }

    /// A decimal number in units of its last place.
    var unscaled: Int128? {
        if case .decimal(let number) = self { number.unscaled } else { nil }
    }
}

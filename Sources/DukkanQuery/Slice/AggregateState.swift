import DukkanFormat

/// An aggregate of a slice, bound.
struct AggregatePlan: Sendable, Equatable {
    var function: Aggregate.Function
    /// Nil for `count(*)` and for distinct customers.
    var argument: BoundExpression?
    /// Rows that take part: `FILTER (WHERE …)`.
    var filter: BoundExpression?
    var type: ScalarType

    /// `count(DISTINCT customer)`, which needs no set: a customer's rows stand together.
    var countsCustomers: Bool { function == .countDistinct && argument == nil }
}

/// One worker's values of one aggregate for all groups.
protocol AggregateState: AnyObject {
    /// Makes room for groups up to `count`.
    func reserve(_ count: Int)
    /// Takes in the selected rows of a morsel; `groups` is nil where there is one group only.
    func update(_ batch: AggregateBatch) throws
    /// Takes in another worker's groups; group g of it is `map[g]` here.
    func merge(_ other: any AggregateState, _ map: [UInt32]) throws
    func value(_ group: Int) throws -> Value
    /// Bytes held, for the memory budget.
    var byteCount: Int { get }
}

/// The rows of a morsel as an aggregate sees them.
struct AggregateBatch {
    var rowCount: Int
    var selection: RowSelection
    var groups: UnsafePointer<UInt32>?
    var argument: ColumnVector?
    /// First rows of the customers, where all their rows are there; nil for rows without customer.
    var starts: UnsafePointer<UInt32>?
    /// A bit for each row that is the first of its customer, for `starts`; nil where nobody has made them.
    var firstRowBits: UnsafePointer<UInt64>?
    /// The number of each row's customer among those of the morsel, where only some of their rows are there.
    var customers: UnsafePointer<UInt32>?
    var customerCount: Int
    /// Whether customers go on from batch to batch here: the rows are one of several pieces of a morsel.
    var isPiece = false
    /// Whether the first customer is the last one of the batch before.
    var continuesCustomer = false

    /// Whether the rows have customers.
    var hasCustomers: Bool { starts != nil || customers != nil }
}

/// Arrays of a number for each group, grown with the groups.
struct GroupArray<Element> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private let initial: Element

    init(_ initial: Element) {
        self.initial = initial
        pointer = UnsafeMutablePointer<Element>.allocate(capacity: 1)
    }

    mutating func reserve(_ minimum: Int) {
        guard minimum > count else { return }
        let size = max(minimum, count * 2)
        let grown = UnsafeMutablePointer<Element>.allocate(capacity: size)
        grown.moveInitialize(from: pointer, count: count)
        (grown + count).initialize(repeating: initial, count: size - count)
        pointer.deallocate()
        pointer = grown
        count = size
    }

    func deallocate() {
        pointer.deinitialize(count: count)
        pointer.deallocate()
    }
}

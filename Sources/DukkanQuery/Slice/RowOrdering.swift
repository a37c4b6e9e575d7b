import DukkanFormat

/// Columns of sort keys, and the order that they put rows in.
///
/// Equal rows keep their order.
struct RowOrdering {
    /// Whole numbers of one kind are compared as such, everything else as values.
    private enum Column {
        case numbers([Int128])
        case values([Value])
    }

    private let directions: [(descending: Bool, nullsFirst: Bool)]
    private let columns: [Column]
    let count: Int

    /// - Parameters:
    ///   - columns: for each direction the key of every row.
    ///   - count: rows.
    init(_ directions: [(descending: Bool, nullsFirst: Bool)], columns: [[Value]], count: Int) {
        self.directions = directions
        self.columns = columns.map { values in RowOrdering.numbers(values).map { .numbers($0) } ?? .values(values) }
        self.count = count
    }

    /// The numbers that order like the values; nil where there are none.
    private static func numbers(_ values: [Value]) -> [Int128]? {
        guard let first = values.first else { return nil }
        var numbers: [Int128] = []
        numbers.reserveCapacity(values.count)
        for value in values {
            switch (value, first) {
            case (.int(let number), .int): numbers.append(number)
            case (.decimal(let number), .decimal(let other)) where number.scale == other.scale:
                numbers.append(number.unscaled)
            default: return nil
            }
        }
        return numbers
    }

    // The algorithm has it seven times.
    @inline(never)
    private func precedes(_ a: Int, _ b: Int) -> Bool {
        for (direction, column) in zip(directions, columns) {
            switch column {
            case .numbers(let numbers):
                let (x, y) = (numbers[a], numbers[b])
                if x != y { return (x < y) != direction.descending }
            case .values(let values):
                let order = RowOrdering.compare(values[a], values[b], direction)
                if order != 0 { return order < 0 }
            }
        }
        return a < b
    }

    /// The sum, or the greatest number where it does not fit.
    static func saturatingSum(_ a: Int, _ b: Int) -> Int {
        let (sum, isOver) = a.addingReportingOverflow(b)
        return isOver ? Int.max : sum
    }

    static func compare(_ x: Value, _ y: Value, _ direction: (descending: Bool, nullsFirst: Bool)) -> Int {
        if x == .null || y == .null {
            if x == .null && y == .null { return 0 }
            return (x == .null) == direction.nullsFirst ? -1 : 1
        }
        let order = totalOrder(x, y)
        return direction.descending ? -order : order
    }

    /// Places of the rows from `offset` on, at most `limit` of them.
    ///
    /// O(rows + selected × log selected) for a small limit.
    func sorted(limit: Int?, offset: Int) -> [Int] {
        guard let limit, RowOrdering.saturatingSum(limit, offset) < count / 4 else {
            let all = directions.isEmpty ? Array(0..<count) : sorted(Array(0..<count))
            return Array(all.dropFirst(offset).prefix(limit ?? Int.max))
        }
        // A heap of the rows chosen so far, the last of them at the top.
        let wanted = limit + offset
        if wanted == 0 { return [] }
        var heap: [Int] = []
        func siftDown(_ start: Int) {
            var parent = start
            while true {
                var greatest = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                    if precedes(heap[greatest], heap[child]) { greatest = child }
                }
                if greatest == parent { return }
                heap.swapAt(parent, greatest)
                parent = greatest
            }
        }
        for row in 0..<count {
            if heap.count < wanted {
                heap.append(row)
                if heap.count == wanted {
                    for parent in stride(from: wanted / 2, through: 0, by: -1) { siftDown(parent) }
                }
            } else if precedes(row, heap[0]) {
                heap[0] = row
                siftDown(0)
            }
        }
        return Array(sorted(heap).dropFirst(offset))
    }

    private func sorted(_ places: [Int]) -> [Int] {
        places.sorted { precedes($0, $1) }
    }
}

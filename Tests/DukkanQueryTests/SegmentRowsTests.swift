import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery

/// Which rows belong to customers in a segment.
@Suite struct SegmentRowsTests {
    private static let segment = BoundExpression(.segment(0), .bool)

    /// Rows of customers of whom some are members, few or many of them side by side.
    private struct World {
        let rows = ExpressionRows()
        let members = Bits()
        let starts: UnsafeMutablePointer<UInt32>
        var memberOfRow: [Bool] = []

        init(customers: Int, seed: UInt64) {
            var random = SeededGenerator(seed: seed)
            starts = .allocate(capacity: customers + 1)
            members.fill(customers, with: false)
            var isMember = false
            let length = Int.random(in: 1...90, using: &random)
            for customer in 0..<customers {
                starts[customer] = UInt32(memberOfRow.count)
                if Int.random(in: 0..<length, using: &random) == 0 { isMember.toggle() }
                if isMember { members.set(from: customer, to: customer + 1) }
                let rowCount = [0, 1, 1, 1, 2, 70][Int.random(in: 0..<6, using: &random)]
                memberOfRow += Array(repeating: isMember, count: rowCount)
            }
            starts[customers] = UInt32(memberOfRow.count)
            rows.count = memberOfRow.count
            rows.starts = UnsafePointer(starts)
            rows.segmentMembers = [members]
        }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1_000], [true, false]) func rowsOfMembersAreSelected(
        customers: Int, isIn: Bool
    ) throws {
        let evaluator = try VectorEvaluator(QueryClock(QueryOptions()))
        for seed in 0..<20 as Range<UInt64> {
            let world = World(customers: customers, seed: seed)
            defer { world.starts.deallocate() }
            let bits = Bits()
            try evaluator.select(.segment(0, isIn: isIn), world.rows, into: bits)
            #expect((0..<bits.count).map { bits[$0] } == world.memberOfRow.map { $0 == isIn })
            #expect(bits.setCount == world.memberOfRow.count { $0 == isIn })
            // The customers themselves.
            let customerRows = ExpressionRows()
            customerRows.count = customers
            customerRows.segmentMembers = [world.members]
            try evaluator.select(.segment(0, isIn: isIn), customerRows, into: bits)
            #expect((0..<customers).map { bits[$0] } == (0..<customers).map { world.members[$0] == isIn })
            #expect(bits.setCount == (isIn ? world.members.setCount : customers - world.members.setCount))
        }
    }

    /// An expression that is computed row by row asks for each of them.
    @Test func theirValuesAreMadeOnce() throws {
        let world = World(customers: 100, seed: 1)
        defer { world.starts.deallocate() }
        var madeCount = 0
        world.rows.makeSegmentRows = { _ in
            madeCount += 1
            let vector = ColumnVector(.integers)
            for isMember in world.memberOfRow { vector.append(Int64(isMember ? 1 : 0)) }
            return vector
        }
        for row in 0..<world.rows.count {
            let value = try ExpressionRows.Row(rows: world.rows, index: row).value(SegmentRowsTests.segment)
            #expect(value == .bool(world.memberOfRow[row]))
        }
        #expect(madeCount == 1)
    }
}

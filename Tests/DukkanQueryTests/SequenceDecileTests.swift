import DukkanFormat
import Testing

@testable import DukkanQuery

@Suite struct SequenceDecileTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func tilesEqualThoseOfASortedList(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 0..<[5, 40, 5_000, 30_000][Int(seed % 4)], using: &random)
        let spread: Int64 = [2, 50, 100_000, .max / 4][Int(seed / 4 % 4)]
        let totals = (0..<count).map { _ in
            Bool.random(using: &random) ? Int64.random(in: -spread...spread, using: &random) : spread / 2
        }
        let order = totals.indices.sorted { (totals[$1], $0) < (totals[$0], $1) }
        var expected = [UInt8](repeating: 0, count: count)
        for (rank, customer) in order.enumerated() {
            // As SQL's ntile: rank by rank into tiles whose sizes differ by one, the larger first.
            var tile = 0, first = 0
            while rank >= first + count / 10 + (tile < count % 10 ? 1 : 0) {
                first += count / 10 + (tile < count % 10 ? 1 : 0)
                tile += 1
            }
            expected[customer] = UInt8(tile)
        }
        #expect(Deciles.tiles(of: .integers(totals), nulls: []) == expected, "seed \(seed)")
        #expect(
            Deciles.tiles(of: .wideIntegers(totals.map { Int128($0) << 60 }), nulls: []) == expected, "seed \(seed)")
        if spread < 1 << 50 {
            #expect(Deciles.tiles(of: .doubles(totals.map(Double.init)), nulls: []) == expected, "seed \(seed)")
        }
    }

    @Test func totalsAreSummedByTileAndNullsStandLast() {
        let totals = (1...20).map { Int64($0) }
        let result = Deciles.result(.integers(totals), nulls: [18, 19], type: .decimal(scale: 2))
        #expect(result.rows.count == 10)
        #expect(result.rows[0] == [.int(1), .int(2), .decimal(DecimalValue(unscaled: 35, scale: 2))])
        #expect(result.rows[9] == [.int(10), .int(2), .null])
    }

    @Test func fewerThanTenCustomersMakeFewerTiles() {
        let result = Deciles.result(.doubles([1, 3, 2]), type: .double)
        #expect(result.rows.map { $0[2] } == [.double(3), .double(2), .double(1)])
    }
}

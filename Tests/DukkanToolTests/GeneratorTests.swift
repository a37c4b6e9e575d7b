import Testing

@testable import DukkanTool

/// The shop's data that the tool makes up.
struct GeneratorTests {
    private func generate(sessions: Int, seed: UInt64, strings: Bool = false) throws -> [ShopRows.Table: [[Substring]]]
    {
        let shop = Shop(sessions: sessions, seed: seed, stringCustomers: strings)
        let texts = Texts()
        let sinks = Dictionary(
            uniqueKeysWithValues: ShopRows.Table.allCases.map { table in
                (table, { (bytes: [UInt8]) in texts.bytes[table, default: []] += bytes })
            })
        _ = try ShopGenerator(shop: shop, sinks: sinks).run()
        return texts.bytes.mapValues { bytes in
            String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false)
            }
        }
    }

    private final class Texts {
        var bytes: [ShopRows.Table: [UInt8]] = [:]
    }

    @Test func `the same seed makes the same data and another seed does not`() throws {
        let first = try generate(sessions: 500, seed: 3)
        #expect(try generate(sessions: 500, seed: 3) == first)
        #expect(try generate(sessions: 500, seed: 4) != first)
    }

    @Test(arguments: [1, 7, 500, 20_000])
    func `rows are complete, in order of time, and refer to each other`(sessions: Int) throws {
        let tables = try generate(sessions: sessions, seed: 11)
        for (table, rows) in tables {
            #expect(rows.allSatisfy { $0.count == rows[0].count }, "\(table)")
        }
        let sessionRows = try #require(tables[.sessions]).dropFirst()
        #expect(sessionRows.count == sessions)
        #expect(sessionRows.map { Int($0[0]) } == (1...sessions).map { Optional($0) })
        let starts = sessionRows.map { $0[2] }
        #expect(starts == starts.sorted())
        let events = try #require(tables[.events]).dropFirst()
        let times = events.map { $0[1] }
        #expect(times == times.sorted())
        let customerOfSession = Dictionary(uniqueKeysWithValues: sessionRows.map { ($0[0], $0[1]) })
        #expect(events.allSatisfy { customerOfSession[$0[3]] == $0[0] })
        let purchases = events.filter { $0[2] == "purchase" }
        let orders = try #require(tables[.orders]).dropFirst()
        #expect(orders.map { [$0[1], $0[2], $0[3], $0[6]] } == purchases.map { [$0[0], $0[1], $0[3], $0[4]] })
        #expect(orders.map { Int($0[0]) } == orders.indices.map { Optional($0) })
    }

    @Test func `string customers are sixteen hexadecimal digits`() throws {
        let tables = try generate(sessions: 50, seed: 1, strings: true)
        let customers = try #require(tables[.events]).dropFirst().map { $0[0] }
        #expect(customers.allSatisfy { $0.count == 16 && $0.allSatisfy(\.isHexDigit) })
    }

    @Test func `a weighted choice comes up as often as its weight says`() {
        let seed: UInt64 = 99
        let choice = WeightedChoice([1, 2, 0, 5])
        var random = RandomSource(seed: seed, stream: 1)
        var counts = [0, 0, 0, 0]
        for _ in 0..<80_000 { counts[choice.next(&random)] += 1 }
        #expect(counts[2] == 0, "seed \(seed)")
        for (count, share) in zip(counts, [0.125, 0.25, 0, 0.625]) {
            #expect(abs(Double(count) / 80_000 - share) < 0.01, "seed \(seed)")
        }
    }
}

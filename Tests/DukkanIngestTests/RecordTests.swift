import DukkanFormat
import DukkanStorage
import DukkanTime
import Foundation
import Testing

@testable import DukkanIngest

@Suite struct RecordTests {
    private enum Status: String, Encodable { case paid, returned }

    private struct Order: Encodable {
        var orderID: Int
        var customerId: UInt32
        var ordered_at: Timestamp
        var revenue: Double
        var status: Status
        var gift: Bool?
        var day: CivilDate?
        var weight: Float?
    }

    private let schema = MemoryTarget.schema([
        "order_id int *", "customer_id int !", "ordered_at timestamp @", "revenue dec2", "status string", "gift bool",
        "day date", "weight double",
    ])

    private func rows(_ records: some Sequence<some Encodable>, _ schema: TableSchema) throws -> [[String?]] {
        let target = MemoryTarget(schema)
        try RowEncoder(schema).encode(records) { try target.append(table: "t", $0) }
        return target.rows
    }

    @Test func propertiesGoToTheColumnsOfTheirNames() throws {
        let time = try #require(Timestamp("2025-01-02T03:04:05.5Z"))
        let orders = [
            Order(
                orderID: 1, customerId: 7, ordered_at: time, revenue: 12.3, status: .paid, gift: true,
                day: CivilDate("2025-01-03"), weight: 0.1),
            Order(
                orderID: 2, customerId: 8, ordered_at: time, revenue: 0, status: .returned, gift: nil, day: nil,
                weight: nil),
        ]
        #expect(
            try rows(orders, schema) == [
                ["1", "7", "2025-01-02T03:04:05.500Z", "12.30", "paid", "true", "2025-01-03", "0.1"],
                ["2", "8", "2025-01-02T03:04:05.500Z", "0.00", "returned", nil, nil, nil],
            ])
    }

    private struct Visit: Encodable {
        var customer: UUID
        var time: Date
        var price: Decimal
    }

    @Test func foundationsTypesAreUnderstood() throws {
        let visit = Visit(
            customer: try #require(UUID(uuidString: "0F2A7C1E-8E3B-4B8B-9F0C-1B2C3D4E5F60")),
            time: Date(timeIntervalSince1970: 1_735_787_045.678), price: try #require(Decimal(string: "19.99")))
        let schema = MemoryTarget.schema(["customer string !", "time timestamp @", "price dec2"])
        #expect(
            try rows([visit], schema) == [
                ["0F2A7C1E-8E3B-4B8B-9F0C-1B2C3D4E5F60", "2025-01-02T03:04:05.678Z", "19.99"]
            ])
    }

    @Test func manyRecordsComeInBatches() throws {
        struct Row: Encodable {
            var c: Int
            var t: Timestamp
            var s: String
        }
        let schema = MemoryTarget.schema(["c int !", "t timestamp @", "s string"])
        var sizes: [Int] = []
        var last: String?
        try RowEncoder(schema).encode(
            (0..<70_000).lazy.map { Row(c: $0, t: Timestamp(microseconds: 5), s: "s\($0 % 1_000)") }
        ) { batch in
            sizes.append(batch.rowCount)
            last = MemoryTarget.text(batch.columns[2], batch.rowCount - 1, .string)
        }
        #expect(sizes == [65_536, 4_464] && last == "s999")
    }

    private func failure(_ record: some Encodable, _ columns: String...) -> DukkanError? {
        #expect(throws: DukkanError.self) { try rows([record], MemoryTarget.schema(columns)) }
    }

    @Test func recordsThatDoNotFitAreRefusedClearly() throws {
        struct Nested: Encodable {
            var c = 1
            var t = Timestamp(microseconds: 0)
            var list: [Int] = [1]
        }
        struct Deep: Encodable {
            var c = 1
            var t = Timestamp(microseconds: 0)
            var s = ["a": 1]
        }
        struct Row: Encodable {
            var c: Int? = 1
            var t: Timestamp? = Timestamp(microseconds: 0)
            var v: Double = 12.345
        }
        #expect(failure(Nested(), "c int !", "t timestamp @", "list string")?.message.contains("is a list") == true)
        #expect(failure(Deep(), "c int !", "t timestamp @", "s string")?.message.contains("is an object") == true)
        #expect(failure([1, 2], "c int !", "t timestamp @")?.message.contains("is a list") == true)
        #expect(failure(7, "c int !", "t timestamp @")?.code == .invalidRow)
        struct Odd: Encodable {
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                var inner = list.superEncoder().singleValueContainer()
                try inner.encode(5)
            }
        }
        #expect(failure(Odd(), "c int !", "t timestamp @")?.message.contains("a list or an object") == true)
        let unknown = failure(Row(), "c int !", "t timestamp @", "value double")
        #expect(unknown?.message == "record 1: table t has no column for the property v")
        #expect(failure(Row(), "c int !", "t timestamp @", "v dec2")?.message.contains("DECIMAL(3) is needed") == true)
        #expect(
            failure(Row(), "c int !", "t timestamp @", "v bool")?.message.contains(
                "does not go into a column of type BOOL") == true)
        #expect(
            failure(Row(c: nil), "c int !", "t timestamp @", "v double")?.message == "record 1: the record has no c")
        #expect(failure(Row(t: nil), "c int !", "t timestamp @", "v double")?.message.contains("has no t") == true)
        #expect(failure(Row(v: .infinity), "c int !", "t timestamp @", "v double")?.code == .invalidRow)
    }

    @Test func explicitNullsAreNull() throws {
        struct Row: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encodeNil(forKey: .s)
                try container.encode(3, forKey: .c)
                try container.encode(Timestamp(microseconds: 0), forKey: .t)
            }
            enum Key: String, CodingKey { case c, t, s }
        }
        #expect(
            try rows([Row()], MemoryTarget.schema(["c int !", "t timestamp @", "s string"])) == [
                ["3", "1970-01-01T00:00:00Z", nil]
            ])
    }
}

@Suite struct RowBatchBuilderTests {
    private let schema = MemoryTarget.schema([
        "c int !", "t timestamp @", "v dec2", "b bool", "x double", "d date", "s string",
    ])

    @Test func columnsAreFilledByTypedArrays() throws {
        let builder = RowBatchBuilder(schema)
        try builder.append([1, 2] as [Int], to: "c")
        try builder.append([3] as [Int64], to: "C")
        try builder.append(
            [Timestamp(microseconds: 0), Timestamp(microseconds: 1), Timestamp(microseconds: 2)], to: "t")
        try builder.append(unscaled: [1_230, nil, -5], to: "v")
        try builder.append([true, nil, false], to: "b")
        try builder.append([0.5, 1.5, nil], to: "x")
        try builder.append(["é", nil, ""], to: "s")
        #expect(builder.rowCount == 3)
        let target = MemoryTarget(schema)
        try target.append(table: "t", try builder.batch())
        #expect(
            target.rows == [
                ["1", "1970-01-01T00:00:00Z", "12.30", "true", "0.5", nil, "é"],
                ["2", "1970-01-01T00:00:00.000001Z", nil, nil, "1.5", nil, nil],
                ["3", "1970-01-01T00:00:00.000002Z", "-0.05", "false", nil, nil, ""],
            ])
        builder.removeAll()
        #expect(builder.rowCount == 0)
    }

    @Test func batchesThatDoNotFitAreRefused() throws {
        let builder = RowBatchBuilder(schema)
        #expect(throws: DukkanError.self) { try builder.append([1] as [Int], to: "nope") }
        #expect(throws: DukkanError.self) { try builder.append(["x"], to: "c") }
        try builder.append([1, 2] as [Int], to: "c")
        try builder.append([Timestamp(microseconds: 0)], to: "t")
        let uneven = #expect(throws: DukkanError.self) { try builder.batch() }
        #expect(uneven?.place.column == "t")
        try builder.append([nil] as [Timestamp?], to: "t")
        let null = #expect(throws: DukkanError.self) { try builder.batch() }
        #expect(null?.code == .invalidRow && null?.message.contains("row 2") == true)
    }

    @Test func aBatchWithoutTimesIsRefused() throws {
        let builder = RowBatchBuilder(schema)
        try builder.append([1, 2] as [Int], to: "c")
        #expect(throws: DukkanError.self) { try builder.batch() }
    }
}

import Dukkan
import Testing

/// Exporting, erasing and copying through the façade.
struct CustomerDataTests {
    private let folder = StoreFolder()
    private let copy = StoreFolder()

    @Test func `a customer is exported, erased, and gone from the copy made after`() async throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(95), to: "orders")
        try await store.commit()
        try await store.query("DEFINE SEGMENT many AS count(orders) > 9")
        #expect(try store.customerType == .int)
        let key = try store.customerKey("7")
        let export = try await store.export(customer: key)
        #expect(export.rowCount == 9)
        #expect(export.tables[0].rows.rows[0][0] == .int(7))
        #expect(export.tables[0].rows.columns.map(\.name) == Order.schema.columns.map(\.name))
        #expect(export.segments == [])
        #expect(try await store.export(customer: .integer(3)).segments.map(\.containsCustomer) == [true])

        let before = try await store.backup(to: copy.path)
        #expect(before.isRecorded && before.previousGeneration == nil)
        let receipt = try await store.erase(customers: [key])
        #expect(receipt.rows == 9 && receipt.customersFound == 1 && receipt.notExamined == [])
        #expect(receipt.copies.map(\.generation) == [before.generation])
        #expect(try await store.export(customer: key).rowCount == 0)
        #expect(try store.copies().map(\.mayHoldErased) == [true])
        #expect(try await Store.open(at: copy.path, mode: .readOnly).export(customer: key).rowCount == 9)
        try await store.backup(to: copy.path)
        #expect(try await Store.open(at: copy.path, mode: .readOnly).export(customer: key).rowCount == 0)
        #expect(try store.copies().map(\.mayHoldErased) == [false])
        #expect(try Store.verify(at: copy.path) == [])
    }

    @Test func `keys of another type are refused`() throws {
        let store = try Store.create(at: folder.path)
        #expect(throws: DukkanError.self) { try store.customerKey("7") }
        try store.createTable(Order.schema)
        #expect(throws: DukkanError.self) { try store.customerKey("seven") }
        #expect(throws: DukkanError.self) { try store.erase(customers: [.string("7")]) }
        #expect(throws: DukkanError.self) { try store.export(customer: .string("7")) }
    }

    @Test func `a segment that names the customer stops the erasure and is exported`() throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(30), to: "orders")
        try store.commit()
        try store.createTable(CommerceSchema.tables()[0])
        try store.query("DEFINE SEGMENT friends AS customer_id = 7 OR customer_id = 8")
        let error = #expect(throws: DukkanError.self) { try store.erase(customers: [.integer(7)]) }
        #expect(error?.code == .invalidArgument)
        #expect(try store.export(customer: .integer(7)).segments.map(\.namesCustomer) == [true])
        #expect(try store.erase(customers: [.integer(9)]).rows == 3)
    }
}

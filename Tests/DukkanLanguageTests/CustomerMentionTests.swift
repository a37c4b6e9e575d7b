import DukkanFormat
import DukkanLanguage
import Testing

/// Customers whom the text of a segment names.
struct CustomerMentionTests {
    @Test(arguments: [
        ("customer_id = 42", true), ("customer IN (1, 42, 3)", true), ("CUSTOMERS.\"customer_id\" = 42", true),
        ("customer_id = -42", true), ("customer_id = 421", false), ("count(orders) > 42", false),
        ("sum(orders.revenue) > 42 -- not the customer 42", false), ("customer_id = 4.2", false),
    ]) func `integer keys are found beside the customer column`(text: String, isFound: Bool) {
        #expect(CustomerMention.isFound(in: text, keys: [.integer(42)], columns: ["customer_id"]) == isFound)
        #expect(!CustomerMention.isFound(in: text, keys: [.string("42x")], columns: ["customer_id"]))
    }

    @Test(arguments: [
        ("customer = 'o''hara@example.org'", true), ("last(events.note) = 'from o''hara@example.org'", true),
        ("customer = 'o'", false), ("country = 'EG'", false), ("customer = 'o''hara@example.or'", false),
        ("note LIKE '%o''hara@example.org%'", true), ("broken 'o'hara@example.org", true),
    ]) func `string keys are found in texts`(text: String, isFound: Bool) {
        #expect(CustomerMention.isFound(in: text, keys: [.string("o'hara@example.org")], columns: []) == isFound)
    }

    @Test func `short keys are found as a whole only`() {
        #expect(CustomerMention.isFound(in: "x = 'EG'", keys: [.string("EG")], columns: []))
        #expect(!CustomerMention.isFound(in: "x = 'EGS'", keys: [.string("EG")], columns: []))
    }
}

public import DukkanFormat

/// The built-in tables of a shop: customers, sessions, events and orders.
///
/// They hold what most shops know; add columns of your own with `ALTER TABLE … ADD COLUMN`, or make other tables. Money
/// is `DECIMAL(2)`. Only `orders` has a unique column: an order that is imported again, with a new status perhaps,
/// replaces the earlier row.
public enum CommerceSchema {
    /// The tables, with customers of type `ColumnType.int` or `ColumnType.string`.
    public static func tables(customers type: ColumnType = .int) -> [TableSchema] {
        [customers(type), sessions(type), events(type), orders(type)]
    }

    private static func customers(_ type: ColumnType) -> TableSchema {
        TableSchema(
            "customers",
            columns: [
                ColumnDefinition("customer_id", type, role: .customer),
                ColumnDefinition("updated_at", .timestamp, role: .time),
                ColumnDefinition("country", .string),
                ColumnDefinition("language", .string),
                ColumnDefinition("marketing_consent", .bool),
                ColumnDefinition("birth_year", .int),
            ])
    }

    private static func sessions(_ type: ColumnType) -> TableSchema {
        TableSchema(
            "sessions",
            columns: [
                ColumnDefinition("session_id", .int),
                ColumnDefinition("customer_id", type, role: .customer),
                ColumnDefinition("started_at", .timestamp, role: .time),
                ColumnDefinition("duration_s", .int),
                ColumnDefinition("country", .string),
                ColumnDefinition("device", .string),
                ColumnDefinition("channel", .string),
                ColumnDefinition("campaign", .string),
                ColumnDefinition("landing_page", .string),
                ColumnDefinition("pageviews", .int),
                ColumnDefinition("bounced", .bool),
            ])
    }

    private static func events(_ type: ColumnType) -> TableSchema {
        TableSchema(
            "events",
            columns: [
                ColumnDefinition("customer_id", type, role: .customer),
                ColumnDefinition("ts", .timestamp, role: .time),
                ColumnDefinition("event", .string),
                ColumnDefinition("session_id", .int),
                ColumnDefinition("product_id", .int),
                ColumnDefinition("category", .string),
                ColumnDefinition("country", .string),
                ColumnDefinition("device", .string),
                ColumnDefinition("value", .decimal(scale: 2)),
            ])
    }

    private static func orders(_ type: ColumnType) -> TableSchema {
        TableSchema(
            "orders",
            columns: [
                ColumnDefinition("order_id", .int, role: .unique),
                ColumnDefinition("customer_id", type, role: .customer),
                ColumnDefinition("ordered_at", .timestamp, role: .time),
                ColumnDefinition("session_id", .int),
                ColumnDefinition("status", .string),
                ColumnDefinition("payment", .string),
                ColumnDefinition("product_id", .int),
                ColumnDefinition("category", .string),
                ColumnDefinition("items", .int),
                ColumnDefinition("revenue", .decimal(scale: 2)),
                ColumnDefinition("discount", .decimal(scale: 2)),
                ColumnDefinition("coupon", .string),
                ColumnDefinition("country", .string),
                ColumnDefinition("device", .string),
            ])
    }
}

import DukkanFormat
import DukkanTime

/// The `Encoder` of one record, or of one property of it when `column` is set.
struct RecordSink: Encoder {
    let encoder: RowEncoder
    let column: Int?
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { .init() }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(RecordProperties<Key>(encoder: encoder, column: column, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { RefusedList(encoder: encoder, codingPath: codingPath) }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleProperty(encoder: encoder, column: column, codingPath: codingPath)
    }

    /// The column of what lies within a list or an object: there is none.
    static let nowhere = -1

    /// A list or an object where one value is wanted.
    static func refusal(_ what: String, _ path: [any CodingKey]) -> DukkanError {
        DukkanError(
            .invalidRow, "\(path.last.map { "the property \($0.stringValue)" } ?? "the record") is \(what)",
            advice: "give each value a property of its own, or encode it as text")
    }
}

/// The properties of a record.
struct RecordProperties<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: RowEncoder
    /// Set when this object is itself the value of a property, which has no place in a row.
    let column: Int?
    let codingPath: [any CodingKey]

    private func place(_ key: Key) throws -> Int {
        if column != nil { throw RecordSink.refusal("an object", codingPath) }
        return try encoder.column(key)
    }

    mutating func encodeNil(forKey key: Key) throws { encoder.putNull(try place(key)) }
    mutating func encode(_ value: Bool, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: String, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: Double, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: Float, forKey key: Key) throws {
        try encoder.put(Double(value.description) ?? 0, try place(key))
    }
    mutating func encode(_ value: Int, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: Int8, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: Int16, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: Int32, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: Int64, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: UInt, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: UInt8, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: UInt16, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: UInt32, forKey key: Key) throws { try encoder.put(value, try place(key)) }
    mutating func encode(_ value: UInt64, forKey key: Key) throws { try encoder.put(value, try place(key)) }

    mutating func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try encoder.put(value, try place(key), codingPath + [key])
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy keyType: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(
            RecordProperties<Nested>(encoder: encoder, column: RecordSink.nowhere, codingPath: codingPath + [key]))
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        RefusedList(encoder: encoder, codingPath: codingPath + [key])
    }

    mutating func superEncoder() -> any Encoder { RecordSink(encoder: encoder, column: column, codingPath: codingPath) }
    mutating func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }
}

/// A property that is encoded as a single value, such as an enumeration by its raw value.
struct SingleProperty: SingleValueEncodingContainer {
    let encoder: RowEncoder
    let column: Int?
    let codingPath: [any CodingKey]

    private func place() throws -> Int {
        guard let column else { throw RecordSink.refusal("a single value, not an object", codingPath) }
        // Below a list or an object, which were refused a place.
        if column == RecordSink.nowhere { throw RecordSink.refusal("a list or an object", codingPath) }
        return column
    }

    mutating func encodeNil() throws { encoder.putNull(try place()) }
    mutating func encode(_ value: Bool) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: String) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: Double) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: Float) throws { try encoder.put(Double(value.description) ?? 0, try place()) }
    mutating func encode(_ value: Int) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: Int8) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: Int16) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: Int32) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: Int64) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: UInt) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: UInt8) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: UInt16) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: UInt32) throws { try encoder.put(value, try place()) }
    mutating func encode(_ value: UInt64) throws { try encoder.put(value, try place()) }
    mutating func encode<T: Encodable>(_ value: T) throws {
        // A record inside a box, as in a property wrapper, is still a record.
        guard let column, column != RecordSink.nowhere else {
            return try value.encode(to: RecordSink(encoder: encoder, column: column, codingPath: codingPath))
        }
        try encoder.put(value, column, codingPath)
    }
}

/// A list, which has no place in a row.
struct RefusedList: UnkeyedEncodingContainer {
    let encoder: RowEncoder
    let codingPath: [any CodingKey]
    var count: Int { 0 }

    private func refuse() -> DukkanError { RecordSink.refusal("a list", codingPath) }

    mutating func encodeNil() throws { throw refuse() }
    mutating func encode<T: Encodable>(_ value: T) throws { throw refuse() }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy keyType: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        KeyedEncodingContainer(
            RecordProperties<Nested>(encoder: encoder, column: RecordSink.nowhere, codingPath: codingPath))
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
    mutating func superEncoder() -> any Encoder {
        RecordSink(encoder: encoder, column: RecordSink.nowhere, codingPath: codingPath)
    }
}

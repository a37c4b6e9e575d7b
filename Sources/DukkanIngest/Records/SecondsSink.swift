import DukkanFormat

/// Takes the one number that Foundation's `Date` encodes: seconds since 2001-01-01T00:00:00Z.
final class SecondsSink: Encoder, SingleValueEncodingContainer {
    private var seconds: Double?
    let codingPath: [any CodingKey] = []
    let userInfo = [CodingUserInfoKey: Any]()

    /// Seconds from 1970 to 2001.
    static let referenceSeconds: Int64 = 978_307_200

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        preconditionFailure("a date encodes one number")
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer { preconditionFailure("a date encodes one number") }

    func encode(_ value: Double) throws { seconds = value }
    func encodeNil() throws { seconds = nil }
    func encode<T: Encodable>(_ value: T) throws { seconds = value as? Double }

    /// The time to the nearest microsecond.
    func microseconds(column: String) throws(DukkanError) -> Int64 {
        guard let seconds, seconds.magnitude < 9e12 else {
            throw DukkanError(.invalidRow, "the date is out of range", place: .init(column: column))
        }
        return Int64((seconds * 1_000_000).rounded()) + SecondsSink.referenceSeconds * 1_000_000
    }
}

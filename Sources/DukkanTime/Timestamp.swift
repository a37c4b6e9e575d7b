/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since the epoch.
    public var microseconds: Int64

    /// Makes a timestamp from microseconds since 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Earlier is less.
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
}

/// A day of the proleptic Gregorian calendar: days since 1970-01-01.
public struct CivilDate: Sendable, Hashable, Comparable {
    /// Days since 1970-01-01.
    public var days: Int64

    /// Makes a date from days since 1970-01-01.
    public init(days: Int64) {
        self.days = days
    }

    /// Earlier is less.
    public static func < (a: CivilDate, b: CivilDate) -> Bool { a.days < b.days }
}

import DukkanTime

/// Turns local times into UTC, quickly while they stay far from the zone's changes.
struct ZoneCursor {
    private let zone: TimeZoneRules
    private let isUTC: Bool
    /// Local times in this range have `offset`.
    private var from: Int64 = 0
    private var to: Int64 = 0
    private var offset: Int64 = 0

    init(_ zone: TimeZoneRules) {
        self.zone = zone
        isUTC = zone.isUTC
    }

    @inline(__always)
    mutating func utc(fromLocal local: Int64) -> Int64 {
        if isUTC { return local }
        if local >= from && local < to { return local &- offset }
        return search(local)
    }

    private mutating func search(_ local: Int64) -> Int64 {
        let utc = zone.utc(fromLocal: local)
        // Within a day of a change local times may be skipped or repeated; those are looked up one by one.
        let day = CivilCalendar.microsecondsPerDay
        let (low, high) = (utc - 200 * day, utc + 200 * day)
        let segments = zone.segments(from: low, to: high)
        guard let index = segments.lastIndex(where: { $0.utcStart <= utc }) else { return utc }
        let end = index + 1 < segments.count ? segments[index + 1].utcStart : high
        offset = segments[index].offset
        from = segments[index].utcStart + offset + day
        to = end + offset - day
        return utc
    }
}

/// The offsets of one time zone for all time, from the system's TZif files.
///
/// Copies are cheap. Times are microseconds since 1970-01-01T00:00:00Z, offsets microseconds east of UTC.
public struct TimeZoneRules: Sendable {
    /// The name by which the zone was asked for.
    public let name: String

    /// Moments in seconds UTC at which the offset changes, strictly ascending; the rule gives those after the last.
    private let transitions: [Int64]
    /// `offsets[i]` in seconds holds before `transitions[i]`; the last holds from the last transition on.
    private let offsets: [Int64]
    private let rule: PosixRule?

    /// The rule is written out into the table up to this year, so that usual times need a search only.
    static let expandedYearMax: Int64 = 2_110

    /// Universal time.
    public static let utc = TimeZoneRules(name: "UTC", transitions: [], offsets: [0], rule: nil)

    /// The rules of a zone of the system's database, as `Africa/Cairo`, or of a fixed offset, as `+02:00`.
    ///
    /// Reads one small file. Throws ``TimeZoneError`` with the nearest names when there is no such zone.
    public init(named name: String) throws(TimeZoneError) {
        if ["UTC", "Etc/UTC", "Z", "utc"].contains(name) {
            self.init(name: name == "Etc/UTC" ? name : "UTC", transitions: [], offsets: [0], rule: nil)
        } else if let seconds = TimeZoneRules.fixedOffset(name) {
            self.init(name: name, transitions: [], offsets: [seconds], rule: nil)
        } else {
            let bytes = try ZoneDatabase.read(name)
            guard let file = ZoneFile(parsing: bytes) else {
                throw TimeZoneError("time zone \(name): its file in the zone database is damaged", suggestions: [])
            }
            self.init(name: name, file: file)
        }
    }

    init(name: String, file: ZoneFile) {
        var transitions = file.transitions, offsets = file.offsets
        if let rule = file.rule {
            if transitions.isEmpty {
                // Without a table the rule holds for all time; what is not written out is computed.
                offsets = [rule.standardOffset]
            } else if rule.hasDaylight {
                let last = transitions[transitions.count - 1]
                let first = CivilCalendar.civil(days: CivilCalendar.floorDays(microseconds: last * 1_000_000)).year
                for year in max(first - 1, 1800)...max(first, TimeZoneRules.expandedYearMax) {
                    for change in rule.changes(year: year) where change.at > transitions[transitions.count - 1] {
                        transitions.append(change.at)
                        offsets.append(change.offset)
                    }
                }
            }
        }
        self.init(name: name, transitions: transitions, offsets: offsets, rule: file.rule)
    }

    private init(name: String, transitions: [Int64], offsets: [Int64], rule: PosixRule?) {
        precondition(offsets.count == transitions.count + 1)
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
        self.rule = rule.flatMap { $0.hasDaylight ? $0 : nil }
    }

    /// Whether the zone is universal time throughout.
    public var isUTC: Bool { transitions.isEmpty && offsets[0] == 0 && rule == nil }

    /// Whether one offset holds for all time.
    package var isFixed: Bool { transitions.isEmpty && rule == nil }

    /// The offset at a point in time.
    ///
    /// O(log transitions).
    public func offset(at utcMicroseconds: Int64) -> Int64 {
        1_000_000 * offsetSeconds(at: TimeZoneRules.floorSeconds(utcMicroseconds))
    }

    /// The point in time of a local time.
    ///
    /// A local time that a forward change skips is moved forward by the change; one that a backward change repeats is
    /// the earlier of the two. O(log transitions).
    public func utc(fromLocal localMicroseconds: Int64) -> Int64 {
        if isFixed { return localMicroseconds &- 1_000_000 * offsets[0] }
        let local = TimeZoneRules.floorSeconds(localMicroseconds)
        let window: Int64 = 2 * 86_400
        let near = changes(from: local - window, to: local + window)
        var before = offsetSeconds(at: local - window)
        for change in near {
            // The first change that is not yet past when the clock shows `local` by the offset before it: both a
            // skipped and a repeated time are then read by that offset.
            if local - before < change.at { break }
            // A skipped time: by the old offset it lies behind the change, by the new one before it.
            if local - change.offset < change.at { break }
            before = change.offset
        }
        return localMicroseconds &- 1_000_000 * before
    }

    /// The stretches of constant offset from `from` up to but without `to`; the first begins at `from`.
    ///
    /// For loops over many rows: find the stretch once, then add. O(log transitions + stretches).
    public func segments(from: Int64, to: Int64) -> [(utcStart: Int64, offset: Int64)] {
        guard from < to else { return [] }
        var found = [(utcStart: from, offset: offset(at: from))]
        let last = TimeZoneRules.floorSeconds(to - 1)
        for change in changes(from: TimeZoneRules.floorSeconds(from) + 1, to: last + 1) {
            if 1_000_000 * change.offset != found[found.count - 1].offset {
                found.append((1_000_000 * change.at, 1_000_000 * change.offset))
            }
        }
        return found
    }

    /// The changes at seconds `from ..< to`.
    private func changes(from: Int64, to: Int64) -> [(at: Int64, offset: Int64)] {
        var found: [(at: Int64, offset: Int64)] = []
        var i = firstTransition(after: from - 1)
        while i < transitions.count, transitions[i] < to {
            found.append((transitions[i], offsets[i + 1]))
            i += 1
        }
        let tableEnd = transitions.last ?? Int64.min
        guard let rule, to - 1 > tableEnd else { return found }
        for year in TimeZoneRules.year(ofSecond: max(from, tableEnd)) - 1...TimeZoneRules.year(ofSecond: to) + 1 {
            for change in rule.changes(year: year) where change.at >= from && change.at < to && change.at > tableEnd {
                found.append(change)
            }
        }
        return found
    }

    private func offsetSeconds(at second: Int64) -> Int64 {
        let i = firstTransition(after: second)
        guard i == transitions.count, let rule else { return offsets[i] }
        // Past the table: the latest change of the rule; the year before always has one.
        let year = TimeZoneRules.year(ofSecond: second)
        var offset = offsets[i]
        for candidate in year - 2...year + 1 {
            for change in rule.changes(year: candidate)
            where change.at <= second && (transitions.isEmpty || change.at > transitions[i - 1]) {
                offset = change.offset
            }
        }
        return offset
    }

    /// Place of the first transition later than a second; O(log transitions).
    private func firstTransition(after second: Int64) -> Int {
        transitions.withUnsafeBufferPointer { table in
            var low = 0, high = table.count
            while low < high {
                let middle = (low + high) / 2
                if table[middle] <= second { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private static func floorSeconds(_ microseconds: Int64) -> Int64 {
        let quotient = microseconds / 1_000_000
        return microseconds % 1_000_000 < 0 ? quotient - 1 : quotient
    }

    private static func year(ofSecond second: Int64) -> Int64 {
        let day = second / 86_400 - (second % 86_400 < 0 ? 1 : 0)
        return CivilCalendar.civil(days: day).year
    }

    /// Seconds east of a name such as `+02:00` or `-0330`; nil for other names.
    private static func fixedOffset(_ name: String) -> Int64? {
        guard name.first == "+" || name.first == "-" else { return nil }
        var text = name
        return text.withUTF8 { bytes in
            var at = 0
            guard let east = ISO8601.scanZone(bytes, &at), at == bytes.count else { return nil }
            return east / 1_000_000
        }
    }
}

import Testing

@testable import DukkanTime

@Suite struct TimeZoneRulesTests {
    @Test func offsetsAgreeWithPython() throws {
        let facts = try ZoneFacts()
        #expect(facts.offsets.count > 500)
        for fact in facts.offsets {
            let zone = try #require(facts.zones[fact.zone])
            #expect(zone.offset(at: fact.at * 1_000_000) == fact.east * 1_000_000, "\(fact)")
            #expect(zone.offset(at: fact.at * 1_000_000 + 999_999) == fact.east * 1_000_000, "\(fact)")
        }
    }

    @Test func localTimesAgreeWithPython() throws {
        let facts = try ZoneFacts()
        #expect(facts.locals.count > 100)
        for fact in facts.locals {
            let zone = try #require(facts.zones[fact.zone])
            #expect(zone.utc(fromLocal: fact.local * 1_000_000 + 5) == fact.utc * 1_000_000 + 5, "\(fact)")
        }
    }

    @Test func segmentsCoverARangeWithTheOffsetsOfEachInstant() throws {
        let facts = try ZoneFacts()
        for (name, zone) in facts.zones {
            for (from, to) in [(2005, 2012), (2105, 2115), (2300, 2303)] {
                let start = CivilCalendar.days(year: Int64(from), month: 2, day: 3) * CivilCalendar.microsecondsPerDay
                let end = CivilCalendar.days(year: Int64(to), month: 2, day: 3) * CivilCalendar.microsecondsPerDay
                let segments = zone.segments(from: start, to: end)
                #expect(segments[0].utcStart == start)
                for (i, segment) in segments.enumerated() {
                    let stop = i + 1 < segments.count ? segments[i + 1].utcStart : end
                    #expect(segment.utcStart < stop, "\(name)")
                    for at in [segment.utcStart, (segment.utcStart + stop) / 2, stop - 1] {
                        #expect(zone.offset(at: at) == segment.offset, "\(name) \(at)")
                    }
                    if i > 0 { #expect(segments[i - 1].offset != segment.offset, "\(name)") }
                }
            }
        }
    }

    @Test func segmentsOfAnEmptyOrTinyRange() throws {
        #expect(TimeZoneRules.utc.segments(from: 5, to: 5).isEmpty)
        #expect(TimeZoneRules.utc.segments(from: -7, to: 5).map(\.utcStart) == [-7])
        let newYork = try #require(try ZoneFacts().zones["America/New_York"])
        let change: Int64 = 1_710_054_000_000_000  // 2024-03-10T07:00:00Z
        let segments = newYork.segments(from: change - 1, to: change + 1)
        #expect(segments.map(\.utcStart) == [change - 1, change])
        #expect(segments.map { $0.offset / 3_600_000_000 } == [-5, -4])
        #expect(newYork.segments(from: change, to: change + 1).map { $0.offset / 3_600_000_000 } == [-4])
        #expect(newYork.segments(from: change - 1, to: change).map { $0.offset / 3_600_000_000 } == [-5])
    }

    @Test func everyMidnightOfAYearComesBackAsTheSameDayOrTheFirstInstantOfIt() throws {
        for (name, zone) in try ZoneFacts().zones {
            for day in Int64(14_000)..<Int64(15_500) {
                let local = day * CivilCalendar.microsecondsPerDay
                let utc = zone.utc(fromLocal: local)
                let shown = utc + zone.offset(at: utc)
                #expect(shown >= local, "\(name) \(day)")
                // One skipped day is known: Apia had no 30 December 2011.
                #expect(shown - local <= (name == "Pacific/Apia" ? 86_400_000_000 : 3_600_000_000), "\(name) \(day)")
            }
        }
    }

    @Test func damagedFilesAreRefusedWithoutATrap() throws {
        let facts = try ZoneFacts()
        for (name, bytes) in facts.files {
            for length in 0..<bytes.count {
                #expect(ZoneFile(parsing: Array(bytes.prefix(length))) == nil, "\(name) \(length)")
            }
            for at in 0..<bytes.count {
                var damaged = bytes
                damaged[at] ^= 0xFF
                if let file = ZoneFile(parsing: damaged) {
                    let zone = TimeZoneRules(name: name, file: file)
                    _ = zone.offset(at: 1_700_000_000_000_000)
                }
            }
        }
    }

    @Test func fixedOffsetsAndUniversalTime() throws {
        #expect(try TimeZoneRules(named: "UTC").isUTC)
        #expect(try TimeZoneRules(named: "+02:00").offset(at: 0) == 7_200_000_000)
        #expect(try TimeZoneRules(named: "-0330").utc(fromLocal: 0) == 12_600_000_000)
        #expect(try !TimeZoneRules(named: "-0330").isUTC)
    }

    @Test(arguments: [
        "../../etc/passwd", "/etc/localtime", "Africa/../../../etc/hostname", "", ".", "Africa", "Europe//Paris",
        "posixrules\0",
    ])
    func namesThatLeadElsewhereAreUnknown(_ name: String) {
        #expect(throws: TimeZoneError.self) { try TimeZoneRules(named: name) }
    }

    @Test(
        arguments: [
            ("Africa/Kairo", "Africa/Cairo"), ("Cairo", "Africa/Cairo"), ("europe/berlin", "Europe/Berlin"),
            ("America/NewYork", "America/New_York"),
        ])
    func unknownNamesAreToldTheNearest(_ name: String, _ expected: String) throws {
        guard ZoneDatabase.directory() != nil else { return }
        do {
            _ = try TimeZoneRules(named: name)
            Issue.record("\(name) must not exist")
        } catch {
            #expect(error.suggestions.contains(expected), "\(error)")
            #expect(error.description.contains(name))
        }
    }

    @Test func theSystemsZonesAreReadForPastTimes() throws {
        guard ZoneDatabase.directory() != nil else { return }
        let kathmandu = try TimeZoneRules(named: "Asia/Kathmandu")
        #expect(kathmandu.offset(at: 1_600_000_000_000_000) == 20_700_000_000)
        #expect(kathmandu.offset(at: 0) == 19_800_000_000)
        #expect(try TimeZoneRules(named: "Europe/Dublin").offset(at: 1_719_792_000_000_000) == 3_600_000_000)
    }

    @Test(arguments: [
        "", "X", "EST", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "<EST5",
        "EST5EDT,M3.2.0,M11.1.0x", "EST999",
    ])
    func malformedRulesAreRefused(_ text: String) {
        #expect(PosixRule(parsing: text.utf8) == nil)
    }

    @Test func daylightSavingAllYearHasNoGap() throws {
        let rule = try #require(PosixRule(parsing: "XXX3EDT4,0/0,J365/23".utf8))
        let changes = (2020...2022).flatMap { rule.changes(year: $0) }
        #expect(changes.count == 6)
        #expect(rule.standardOffset == -10_800 && rule.daylightOffset == -14_400)
    }
}

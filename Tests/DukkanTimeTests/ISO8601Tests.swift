import Testing

@testable import DukkanTime

@Suite struct CivilCalendarTests {
    @Test func everyDayOfEightCenturiesFollowsTheDayBefore() {
        var (year, month, day): (Int64, Int64, Int64) = (1599, 12, 31)
        var weekday = CivilCalendar.weekday(days: CivilCalendar.days(year: 1599, month: 12, day: 31))
        let first = CivilCalendar.days(year: 1600, month: 1, day: 1)
        for days in first..<first + 292_194 {
            (day, weekday) = (day + 1, (weekday + 1) % 7)
            if day > CivilCalendar.daysInMonth(year: year, month: month) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
            #expect(CivilCalendar.civil(days: days) == (year, month, day))
            #expect(CivilCalendar.days(year: year, month: month, day: day) == days)
            #expect(CivilCalendar.weekday(days: days) == weekday)
        }
    }

    @Test func knownDays() {
        #expect(CivilCalendar.days(year: 1970, month: 1, day: 1) == 0)
        #expect(CivilCalendar.days(year: 2000, month: 3, day: 1) == 11_017)
        #expect(CivilCalendar.days(year: -1, month: 12, day: 31) == -719_529)
        #expect(CivilCalendar.weekday(days: 0) == 3)  // a Thursday
        #expect(CivilCalendar.floorDays(microseconds: -1) == -1)
        #expect(CivilCalendar.validDays(year: 2023, month: 2, day: 29) == nil)
        #expect(CivilCalendar.validDays(year: 2000, month: 2, day: 29) != nil)
        #expect(CivilCalendar.validDays(year: 1900, month: 2, day: 29) == nil)
    }
}

@Suite struct ISO8601Tests {
    @Test(
        arguments: [
            ("2025-01-02T03:04:05Z", "2025-01-02T03:04:05Z"), ("2025-01-02", "2025-01-02T00:00:00Z"),
            ("2025-01-02 03:04:05.678", "2025-01-02T03:04:05.678Z"), ("2025-01-02 03:04", "2025-01-02T03:04:00Z"),
            ("2025-01-02T03:04:05.000001Z", "2025-01-02T03:04:05.000001Z"),
            ("2025-01-02T03:04:05.1Z", "2025-01-02T03:04:05.100Z"),
            ("2025-01-02T03:04:05.1234567Z", "2025-01-02T03:04:05.123456Z"),
            ("2025-01-02T03:04:05+02:00", "2025-01-02T01:04:05Z"), ("2025-01-02 03:04:05 UTC", "2025-01-02T03:04:05Z"),
            ("2025-01-02 03:04:05-0130", "2025-01-02T04:34:05Z"), ("2025-01-02 03:04:05+02", "2025-01-02T01:04:05Z"),
            ("2025-01-02T00:00:00+14:00", "2025-01-01T10:00:00Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"), ("-000001-12-31T00:00:00Z", "-000001-12-31T00:00:00Z"),
            ("+012345-06-07T08:09:10Z", "+012345-06-07T08:09:10Z"), ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ])
    func timesAreReadAndPrinted(_ text: String, _ printed: String) throws {
        let time = try #require(Timestamp(text))
        #expect(time.description == printed)
        #expect(Timestamp(printed) == time)
    }

    @Test(
        arguments: [
            "", "2025", "2025-1-2", "2025-13-01", "2025-02-29", "2025-01-02T", "2025-01-02T3:04", "2025-01-02T24:00:00",
            "2025-01-02T03:60:00", "2025-01-02T03:04:60", "2025-01-02T03:04:05.", "2025-01-02T03:04:05ZZ",
            "2025-01-02T03:04:05 ", "2025-01-02T03:04:05 EST", "2025-01-02T03:04:05+24:00", "2025-01-02T03:04:05+2",
            "2025-01-02Z", " 2025-01-02", "2025-01-02x", "２０２５-01-02", "-000000-01-01", "+999999-01-01",
            "2025-01-02T03:04:05+02:",
        ])
    func otherTextsAreRefused(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test func theWholeRangeOfMicrosecondsPrints() {
        #expect(Timestamp(microseconds: .min).description == "-290308-12-21T19:59:05.224192Z")
        #expect(Timestamp(microseconds: .max).description == "+294247-01-10T04:00:54.775807Z")
        _ = CivilDate(days: .min).description
        _ = CivilDate(days: .max).description
    }

    @Test func datesAreReadAndPrinted() {
        #expect(CivilDate("2024-02-29")?.days == 19_782)
        #expect(CivilDate("2024-02-29")?.description == "2024-02-29")
        #expect(CivilDate("2024-02-29T00:00") == nil)
        #expect(CivilDate(year: 2023, month: 2, day: 29) == nil)
        #expect(CivilDate(year: .max, month: 2, day: 2) == nil)
    }

    @Test func randomTimesSurviveTheRoundTrip() {
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next()
        var state = seed
        for _ in 0..<2_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let time = Timestamp(microseconds: Int64(bitPattern: state) / 1_100)
            #expect(Timestamp(time.description) == time, "seed \(seed)")
        }
    }
}

@Suite struct NearNameTests {
    @Test(
        arguments: [
            ("custmer_id", "customer_id"), ("CustomerID", "customer_id"), ("reveneu", "revenue"),
            ("country_code", "country"),
        ])
    func findsTheMeantName(_ typed: String, _ meant: String) {
        #expect(NearName.nearest(to: typed, among: ["order_id", "customer_id", "revenue", "country"]) == [meant])
    }

    @Test func unrelatedNamesAreNotOffered() {
        #expect(NearName.nearest(to: "xyz", among: ["order_id", "customer_id"]).isEmpty)
        #expect(NearName.nearest(to: "", among: ["a"]).isEmpty)
    }

    @Test func distanceCountsASwapAsOne() {
        #expect(NearName.distance(Array("abcd".utf8), Array("abdc".utf8)) == 1)
        #expect(NearName.distance(Array("".utf8), Array("abc".utf8)) == 3)
        #expect(NearName.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
    }
}

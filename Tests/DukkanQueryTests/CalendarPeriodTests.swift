import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery

@Suite struct CalendarPeriodTests {
    private func time(_ text: String) throws -> Int64 {
        try #require(ISO8601.parseTime(text)).microseconds
    }

    /// The period's first local day and the local hour, from the definition.
    private func localFields(_ time: Int64, _ rule: PeriodRule) -> (day: Int64, hour: Int64) {
        let local = time + rule.zone.offset(at: time)
        let day = CivilCalendar.floorDays(microseconds: local)
        let hour = (local - day * CivilCalendar.microsecondsPerDay) / CivilCalendar.microsecondsPerHour
        switch rule.period {
        case .hour: return (day, hour)
        case .day: return (day, 0)
        case .week:
            let weekday = CivilCalendar.weekday(days: day)
            return (day - (rule.weekStartsOnSunday ? (weekday + 1) % 7 : weekday), 0)
        case .month:
            return (day - CivilCalendar.civil(days: day).day + 1, 0)
        }
    }

    @Test(
        arguments: Period.allCases, ["UTC", "Africa/Cairo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
    func aPeriodHoldsTheTimesOfOneLocalDateAndHour(period: Period, zone: String) throws {
        for sunday in [false, true] {
            let rule = PeriodRule(period, weekStartsOnSunday: sunday, zone: try TimeZoneRules(named: zone))
            let from = try time("2023-09-15"), to = try time("2025-02-03")
            let axis = try PeriodAxis(rule, covering: from...to)
            var random = SeededGenerator(seed: 11)
            var times = (0..<20_000).map { _ in Int64.random(in: from...to, using: &random) }
            for start in axis.starts where from...to ~= start - 1 && from...to ~= start { times += [start - 1, start] }
            var numbers = [UInt32](repeating: 0, count: times.count)
            var truncated = [Int64](repeating: 0, count: times.count)
            axis.numbers(of: times, count: times.count, into: &numbers)
            axis.truncate(times, count: times.count, into: &truncated)
            for (row, time) in times.enumerated() {
                let number = Int(numbers[row])
                try #require(number < axis.count)
                #expect(axis.starts[number] <= time && time < axis.starts[number + 1])
                #expect(truncated[row] == axis.starts[number])
                // Lord Howe moves its clock by half an hour, so one hour a year holds parts of two.
                if period == .hour && zone == "Australia/Lord_Howe" { continue }
                #expect(localFields(time, rule) == localFields(axis.starts[number], rule), "\(time)")
            }
            for (start, next) in zip(axis.starts, axis.starts.dropFirst()) where period != .hour {
                #expect(localFields(start, rule).day < localFields(next, rule).day)
            }
            #expect(try rule.start(containing: times[0]) == truncated[0])
        }
    }

    @Test func aRepeatedHourIsTwoPeriodsAndASkippedOneNone() throws {
        let rule = PeriodRule(.hour, zone: try TimeZoneRules(named: "America/New_York"))
        let axis = try PeriodAxis(rule, covering: time("2025-11-02T04:00:00Z")...time("2025-11-03T05:00:00Z") - 1)
        #expect(axis.count == 25)
        let spring = try PeriodAxis(rule, covering: time("2025-03-09T05:00:00Z")...time("2025-03-10T04:00:00Z") - 1)
        #expect(spring.count == 23)
    }

    @Test func aDayWhoseMidnightIsSkippedBeginsAtTheChange() throws {
        // Cairo, 2024-04-26: the clock went from 00:00 to 01:00.
        let rule = PeriodRule(.day, zone: try TimeZoneRules(named: "Africa/Cairo"))
        let start = try rule.start(containing: time("2024-04-26T12:00:00Z"))
        #expect(start == (try time("2024-04-25T22:00:00Z")))
        #expect(rule.label(ofStart: start) == .date(try #require(CivilDate("2024-04-26"))))
    }

    @Test func timesOutsideTheAxisHaveNoNumber() throws {
        let axis = try PeriodAxis(PeriodRule(.day), covering: time("2025-01-01")...time("2025-01-05"))
        #expect(axis.count == 5)
        for outside in [Int64.min, Int64.max, try time("2024-12-31T23:59:59Z"), try time("2025-01-06"), 0] {
            #expect(axis.number(of: outside) >= axis.count)
        }
        #expect(axis.number(of: try time("2025-01-05T23:59:59Z")) == 4)
    }

    @Test func absurdRangesAreRefused() throws {
        #expect(throws: DukkanError.self) { try PeriodAxis(PeriodRule(.hour), covering: 0...Int64.max) }
        #expect(throws: DukkanError.self) {
            try PeriodAxis(PeriodRule(.hour), covering: try time("0001-01-02")...time("9999-01-01"))
        }
    }
}

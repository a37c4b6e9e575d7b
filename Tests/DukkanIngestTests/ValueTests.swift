import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanIngest

@Suite struct ValueTests {
    /// The value of one field of a type, or the reason why there is none.
    private func read(_ type: String, _ text: String, _ change: (inout ImportOptions) -> Void = { _ in }) throws
        -> String?
    {
        let target = MemoryTarget("c int !", "t timestamp @", "v \(type)")
        do {
            _ = try report("c;t;v\n1;2025-01-02;\"\(text)\"\n", into: target) {
                $0.separator = ";"
                change(&$0)
            }
        } catch let error as DukkanError where error.code == .invalidRow {
            return "✗ " + error.message
        }
        return target.rows[0][2]
    }

    @Test(
        arguments: [
            ("0", "0"), ("-0", "0"), ("+7", "7"), ("12345678", "12345678"), ("123456789", "123456789"),
            ("-12345678", "-12345678"), ("-1234567890123456", "-1234567890123456"), ("00042", "42"),
            ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
            ("17850.0", "17850"), ("1e3", "1000"), ("1200e-2", "12"), (" 5 ", "5"), ("0.000", "0"),
            ("1000000000000000000", "1000000000000000000"), ("00000000000000000000000005", "5"),
        ])
    func integersAreRead(_ text: String, _ value: String) throws { #expect(try read("int", text) == value) }

    @Test(
        arguments: [
            ("9223372036854775808", "does not fit"), ("-9223372036854775809", "does not fit"), ("1.5", "DECIMAL(1)"),
            ("12a", "is no number"), ("-", "is no number"), ("1 2", "is no number"), ("0x10", "is no number"),
            ("1e30", "does not fit"), ("1e-3", "DECIMAL(3)"), ("--5", "is no number"), ("1,5", "is no number"),
            ("99999999999999999999999999", "does not fit"), ("1:", "is no number"), ("1/", "is no number"),
            ("1234567/", "is no number"), ("１２", "is no number"),
        ])
    func otherIntegersAreBad(_ text: String, _ reason: String) throws {
        let value = try read("int", text)
        #expect(value?.contains(reason) == true, "\(value ?? "∅")")
    }

    @Test(
        arguments: [
            ("12.30", "12.30"), ("12.3", "12.30"), ("12", "12.00"), ("-0.05", "-0.05"), ("0.5", "0.50"), (".5", "0.50"),
            ("5.", "5.00"),
            ("12.3000", "12.30"), ("1234567.89", "1234567.89"), ("12345.67", "12345.67"), ("-11062.06", "-11062.06"),
            ("1e-2", "0.01"), ("1.5e1", "15.00"),
            ("92233720368547758.07", "92233720368547758.07"), ("99999.9", "99999.90"), ("0.00", "0.00"),
            ("00012.5", "12.50"),
        ])
    func decimalsAreExact(_ text: String, _ value: String) throws { #expect(try read("dec2", text) == value) }

    @Test(
        arguments: [
            ("12.345", "DECIMAL(3) is needed"), ("0.001", "DECIMAL(3) is needed"),
            ("92233720368547758.08", "does not fit"),
            ("1.2.3", "is no number"), (".", "is no number"), ("12,30", "is no number"),
            ("0.0000000000000000001", "DOUBLE is needed"),
            ("1234.567", "DECIMAL(3)"), ("$5", "is no number"),
        ])
    func otherDecimalsAreBad(_ text: String, _ reason: String) throws {
        let value = try read("dec2", text)
        #expect(value?.contains(reason) == true, "\(value ?? "∅")")
    }

    @Test func theDecimalCommaIsAnOption() throws {
        #expect(try read("dec2", "12,30") { $0.decimalComma = true } == "12.30")
        #expect(try read("double", "-1,5") { $0.decimalComma = true } == "-1.5")
        #expect(try read("dec2", "12.30") { $0.decimalComma = true }?.hasPrefix("✗") == true)
    }

    @Test(
        arguments: [
            ("1", "1.0"), ("-2.5", "-2.5"), ("0.1", "0.1"), ("1e300", "1e+300"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"), ("5e-324", "5e-324"),
            ("3.141592653589793238462643", "3.141592653589793"), ("123456789012345678", "1.2345678901234568e+17"),
            ("0.30000000000000004", "0.30000000000000004"),
        ])
    func doublesAreNearest(_ text: String, _ value: String) throws { #expect(try read("double", text) == value) }

    @Test(arguments: ["nan", "inf", "1e999", "", "abc"]) func otherDoublesAreNone(_ text: String) throws {
        let value = try read("double", text)
        #expect(text.isEmpty ? value == nil : value?.hasPrefix("✗") == true)
    }

    @Test func truthValuesAreRead() throws {
        for text in ["true", "T", "yes", "Y", "1", "TRUE", "Yes"] { #expect(try read("bool", text) == "true") }
        for text in ["false", "F", "no", "N", "0", "FALSE", "No"] { #expect(try read("bool", text) == "false") }
        for text in ["2", "on", "tru", "truee", "q"] { #expect(try read("bool", text)?.hasPrefix("✗") == true) }
    }

    @Test(
        arguments: [
            ("2025-01-02T03:04:05Z", "2025-01-02T03:04:05Z"), ("2025-01-02 03:04:05", "2025-01-02T03:04:05Z"),
            ("2025-01-02 03:04:05.678", "2025-01-02T03:04:05.678Z"),
            ("2025-01-02T03:04:05.678901Z", "2025-01-02T03:04:05.678901Z"),
            ("2025-01-02 03:04:05.6", "2025-01-02T03:04:05.600Z"), ("2025-01-02 03:04:05 UTC", "2025-01-02T03:04:05Z"),
            ("2025-01-02 03:04:05+02:00", "2025-01-02T01:04:05Z"),
            ("2025-01-02T03:04:05.123+0530", "2025-01-01T21:34:05.123Z"),
            ("2025-01-02 03:04:05.1234567", "2025-01-02T03:04:05.123456Z"),
            ("20250102", "2025-01-02T00:00:00Z"), ("20250102T030405", "2025-01-02T03:04:05Z"),
            ("20250102030405", "2025-01-02T03:04:05Z"), ("20250102 03:04", "2025-01-02T03:04:00Z"),
            ("1735787045", "2025-01-02T03:04:05Z"), ("1735787045.25", "2025-01-02T03:04:05.250Z"),
            ("1735787045678", "2025-01-02T03:04:05.678Z"), ("1735787045678901", "2025-01-02T03:04:05.678901Z"),
            ("02/01/2025", "2025-01-02T00:00:00Z"), ("2/1/25", "2025-01-02T00:00:00Z"),
            ("31.12.2024", "2024-12-31T00:00:00Z"), ("31-12-2024 23:59", "2024-12-31T23:59:00Z"),
            ("2/1/2025 3:04", "2025-01-02T03:04:00Z"), ("02/01/2025 03:04:05 PM", "2025-01-02T15:04:05Z"),
            ("02/01/2025, 12:00 AM", "2025-01-02T00:00:00Z"),
            ("14-Jan-15", "2015-01-14T00:00:00Z"), ("14 January 2015 08:09", "2015-01-14T08:09:00Z"),
            ("1-sep-1999", "1999-09-01T00:00:00Z"),
            ("2025/01/02", "2025-01-02T00:00:00Z"), ("2025/1/2 3:04:05", "2025-01-02T03:04:05Z"),
            ("2025.01.02", "2025-01-02T00:00:00Z"),
        ])
    func timesAreReadByTheirShape(_ text: String, _ value: String) throws {
        #expect(try read("timestamp", text) == value)
    }

    @Test(
        arguments: [
            "2025-13-02", "2025-01-02 25:00:00", "2025-01-02 03:60:00", "2025-01-02 03:04:60", "2025-01-02 03:04:05.",
            "2025-01-02 03:04:05.678x",
            "2025-01-02x03:04:05", "32/01/2025", "01/13/2025", "20251301", "yesterday", "1234", "14-Foo-15",
            "2025-01-02 03:04:05 EST", "2025-0a-02 03:04:05",
        ])
    func otherTimesAreBad(_ text: String) throws {
        let value = try read("timestamp", text)
        #expect(value?.hasPrefix("✗") == true, "\(value ?? "∅")")
    }

    @Test(
        arguments: [
            ("MM/DD/YYYY", "12/31/2024 8:26", "2024-12-31T08:26:00Z"),
            ("epoch_ms", "1735787045", "1970-01-21T02:09:47.045Z"),
            ("epoch", "20250102", "1970-08-23T09:01:42Z"), ("epoch_us", "5", "1970-01-01T00:00:00.000005Z"),
            ("YYYYMMDD", "19970101", "1997-01-01T00:00:00Z"),
            ("%d.%m.%Y %H-%M", "02.01.2025 03-04", "2025-01-02T03:04:00Z"),
            ("%b %d, %Y %I:%M %p", "Jan 2, 2025 3:04 PM", "2025-01-02T15:04:00Z"),
            ("%a %d %B %Y", "Thu 2 January 2025", "2025-01-02T00:00:00Z"),
            ("%Y-%m-%dT%H:%M:%S.%f%z", "2025-01-02T03:04:05.5+01:00", "2025-01-02T02:04:05.500Z"),
            ("%s", "1735787045", "2025-01-02T03:04:05Z"), ("DD-Mon-YYYY", "2-Feb-2025", "2025-02-02T00:00:00Z"),
            ("%y%m%d", "250102", "2025-01-02T00:00:00Z"),
        ])
    func timeFormatsAreToldByColumn(_ format: String, _ text: String, _ value: String) throws {
        let form = try TimeFormat(named: format)
        #expect(try read("timestamp", text) { $0.timeFormats["V"] = form } == value)
    }

    @Test(arguments: ["nonsense", "%Q", "%Y-%m", "%", ""]) func otherFormatsAreRefused(_ name: String) {
        #expect(throws: DukkanError.self) { try TimeFormat(named: name) }
    }

    @Test func timeFormatNamesRoundTrip() throws {
        for name in [
            "auto", "iso", "YYYYMMDD", "YYYY/MM/DD", "epoch", "epoch_ms", "epoch_us", "DD/MM/YYYY", "MM/DD/YYYY",
            "DD-Mon-YYYY", "%d/%m/%Y",
        ] {
            #expect(try TimeFormat(named: name).description == name)
        }
    }

    @Test func aWrongTimeFormatIsToldTheRightOne() throws {
        let target = MemoryTarget("c int !", "t timestamp @")
        let error = #expect(throws: DukkanError.self) { try report("c,t\n1,12/31/2024\n", into: target) }
        #expect(error?.advice == "--time-format t=MM/DD/YYYY reads it")
    }

    @Test func timesWithoutAZoneAreOfTheDefaultZone() throws {
        let cairo = try TimeZoneRules(named: "+02:00")
        #expect(try read("timestamp", "2025-01-02 03:04:05") { $0.timeZone = cairo } == "2025-01-02T01:04:05Z")
        #expect(try read("timestamp", "02/01/2025 03:04") { $0.timeZone = cairo } == "2025-01-02T01:04:00Z")
        #expect(try read("timestamp", "2025-01-02 03:04:05Z") { $0.timeZone = cairo } == "2025-01-02T03:04:05Z")
        #expect(try read("timestamp", "1735787045") { $0.timeZone = cairo } == "2025-01-02T03:04:05Z")
        #expect(try read("date", "2025-01-02") { $0.timeZone = cairo } == "2025-01-02")
    }

    @Test func aZoneWithChangesAgreesWithItsRulesOnEveryHour() throws {
        let zone = try TimeZoneRules(named: "America/New_York")
        var cursor = ZoneCursor(zone)
        let start = CivilCalendar.days(year: 2024, month: 1, day: 1) * CivilCalendar.microsecondsPerDay
        for hour in 0..<Int64(2 * 366 * 48) {
            let local = start + hour * CivilCalendar.microsecondsPerHour / 2
            #expect(cursor.utc(fromLocal: local) == zone.utc(fromLocal: local))
        }
    }

    @Test func datesAreRead() throws {
        #expect(try read("date", "2025-01-02") == "2025-01-02")
        #expect(try read("date", "20250102") == "2025-01-02")
        #expect(try read("date", "31/12/2024") == "2024-12-31")
        #expect(try read("date", "2025-01-02 00:00:00") == "2025-01-02")
        #expect(try read("date", "2025-01-02 00:00:01")?.contains("TIMESTAMP is needed") == true)
    }

    @Test func emptyIsNullWhateverTheType() throws {
        for type in ["int", "dec2", "double", "bool", "date", "timestamp"] { #expect(try read(type, "") == nil) }
    }

    @Test func fastNumbersAgreeWithTheExactForm() throws {
        var state: UInt64 = 42
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 11
        }
        for _ in 0..<20_000 {
            let digits = Int(next() % 17) + 1
            var text = next() % 3 == 0 ? "-" : ""
            for _ in 0..<digits { text += String(next() % 10) }
            if next() % 2 == 0, digits > 1 {
                text.insert(".", at: text.index(text.endIndex, offsetBy: -Int(next() % UInt64(digits))))
            }
            if next() % 20 == 0 { text += ["x", " ", "/", ":", "."][Int(next() % 5)] }
            let padded = Array(text.utf8) + [UInt8](repeating: 0x39, count: 16)
            padded.withUnsafeBufferPointer { bytes in
                let exact = NumberReader.written(UnsafeBufferPointer(rebasing: bytes[..<text.utf8.count]), point: 46)
                let base = bytes.baseAddress!
                if let fast = NumberReader.fastInteger(base, text.utf8.count) {
                    #expect(exact.flatMap { try? NumberReader.scaled($0, scale: 0) } == fast, "\(text)")
                }
                for scale in [0, 2, 6] {
                    let fast = NumberReader.powers.withUnsafeBufferPointer {
                        NumberReader.fastDecimal(
                            base, text.utf8.count, scale: scale, point: 46, powers: $0.baseAddress!)
                    }
                    if let fast {
                        #expect(exact.flatMap { try? NumberReader.scaled($0, scale: scale) } == fast, "\(text)")
                    }
                }
            }
        }
    }
}

import DukkanFormat
import Testing

@testable import DukkanIngest

@Suite struct LineTests {
    private func target() -> MemoryTarget { MemoryTarget("id int !", "date timestamp @", "n int", "v dec2") }

    @Test func wordsBetweenBlanksAreRead() throws {
        let text =
            " id  date n  v\r\n 00001 19970101  1   11.77\r\n 00002 19970112  1   12.00\r\n\t00002\t19970112 5 77.00"
        let rows = [
            "1|1997-01-01T00:00:00Z|1|11.77", "2|1997-01-12T00:00:00Z|1|12.00", "2|1997-01-12T00:00:00Z|5|77.00",
        ]
        for chunk in 1...50 {
            #expect(try imported(text, into: target()) { $0.chunkBytes = chunk } == rows)
        }
    }

    @Test func wordsWithoutAHeaderAreNamedByTheCaller() throws {
        let text = " 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n"
        let rows = try imported(text, into: target()) {
            $0.columnNames = ["id", "sample", "date", "n", "v"]
            $0.ignoredColumns = ["sample"]
        }
        #expect(rows == ["4|1997-01-01T00:00:00Z|2|29.33", "4|1997-01-18T00:00:00Z|2|29.73"])
    }

    @Test func fieldsAtFixedPlacesAreRead() throws {
        let text = "0000119970101  1 11.77\n  00219970102 12      \n"
        for chunk in 1...50 {
            let rows = try imported(text, into: target()) {
                $0.format = .fixedWidth([0..<5, 5..<13, 13..<16, 16..<22])
                $0.chunkBytes = chunk
                $0.header = false
            }
            #expect(rows == ["1|1997-01-01T00:00:00Z|1|11.77", "2|1997-01-02T00:00:00Z|12|∅"])
        }
    }

    @Test func tornLinesAreBadRows() throws {
        let words = #expect(throws: DukkanError.self) {
            try report(" id date n v\n 1 19970101 1 2.5\n 2 1997", into: target())
        }
        #expect(words?.place.line == 3 && words?.message.contains("torn") == true)
        let fixed = #expect(throws: DukkanError.self) {
            try report("0000119970101  1 11.77\n000021997", into: target()) {
                $0.format = .fixedWidth([0..<5, 5..<13, 13..<16, 16..<22])
                $0.header = false
            }
        }
        #expect(fixed?.place.line == 2 && fixed?.message.contains("torn") == true)
    }
}

@Suite struct JSONLinesTests {
    private func target() -> MemoryTarget {
        MemoryTarget("c string !", "t timestamp @", "n int", "v dec2", "b bool", "s string")
    }

    static let golden: [(String, [String])] = [
        (
            #"{"c":"a","t":"2025-01-02T03:04:05Z","n":1,"v":12.3,"b":true,"s":"x"}"#,
            ["a|2025-01-02T03:04:05Z|1|12.30|true|x"]
        ),
        (#"  { "s" : "x" , "c" : "a", "t" : 1735787045 }  "#, ["a|2025-01-02T03:04:05Z|∅|∅|∅|x"]),
        (#"{"c":"a","t":"2025-01-02","n":null,"v":"7","b":"false","s":""}"#, ["a|2025-01-02T00:00:00Z|∅|7.00|false|"]),
        (#"{"c":"a","t":"2025-01-02","s":"q\"\\\/\n\té😀دé"}"#, ["a|2025-01-02T00:00:00Z|∅|∅|∅|q\"\\/\n\té😀دé"]),
        (#"{"c":"a","t":"2025-01-02","s":{"k":[1,"}",{}]}}"#, [#"a|2025-01-02T00:00:00Z|∅|∅|∅|{"k":[1,"}",{}]}"#]),
        (#"{"c":"a","t":"2025-01-02","s":"one","s":"two"}"#, ["a|2025-01-02T00:00:00Z|∅|∅|∅|two"]),
        (#"{"c":17,"t":"2025-01-02","s":1.50}"#, ["17|2025-01-02T00:00:00Z|∅|∅|∅|1.50"]),
    ]

    @Test(arguments: golden) func readsObjects(_ text: String, _ rows: [String]) throws {
        for ending in ["", "\n", "\r\n", "\n\n"] {
            for chunk in [1, 7, 1_000] {
                let got = try imported("\n" + text + "\n" + text + ending, into: target()) {
                    $0.format = .jsonLines
                    $0.chunkBytes = chunk
                }
                #expect(got == rows + rows)
            }
        }
    }

    @Test func theFormIsFoundOut() throws {
        #expect(try imported(JSONLinesTests.golden[0].0, into: target()) == JSONLinesTests.golden[0].1)
    }

    @Test(
        arguments: [
            ("[1]", "no JSON object"), (#"{"c":"a""#, "torn"), (#"{"c":"a"#, "torn"),
            (#"{"c" "a"}"#, "a colon is expected"), (#"{"c":tru}"#, "no JSON value"),
            (#"{"c":"\x"}"#, "no escape"), (#"{"c":"\ud800"}"#, "half of a pair"),
            (#"{"c":"a"} x"#, "behind the object"), (#"{c:1}"#, "a key in quotes"),
            (#"{"c":}"#, "a value is expected"), (#"{"c":"a","t":"2025-01-02","q":1}"#, "no column for the key \"q\""),
            (#"{"t":"2025-01-02"}"#, "no customer"),
            (#"{"c":"a"}"#, "no time"), (#"{"c":"a","t":"2025-01-02","n":"x"}"#, "is no number"),
            (#"{"c":"a",}"#, "a key in quotes"), (#"{"c":"\u12"}"#, "hexadecimal"),
        ])
    func badObjectsNameTheirLine(_ text: String, _ says: String) throws {
        let error = #expect(throws: DukkanError.self) {
            try report(JSONLinesTests.golden[0].0 + "\n" + text, into: target()) { $0.format = .jsonLines }
        }
        // The sample shows all keys; one that the table lacks is refused before any row.
        let isKey = says.contains("key \"q\"")
        #expect(error?.place.line == (isKey ? nil : 2))
        #expect(error?.message.contains(isKey ? "no column q" : says) == true, "\(String(describing: error))")
    }

    @Test func unknownKeysOfLateRowsAreBadRows() throws {
        let good = JSONLinesTests.golden[0].0 + "\n"
        let text = String(repeating: good, count: 50) + #"{"c":"a","t":"2025-01-02","colour":1}"# + "\n"
        let error = #expect(throws: DukkanError.self) { try report(text, into: target()) { $0.sampleBytes = 1_000 } }
        #expect(error?.place.line == 51 && error?.message.contains("colour") == true, "\(String(describing: error))")
        let rows = try imported(text, into: target()) {
            $0.sampleBytes = 1_000
            $0.ignoredColumns = ["colour"]
        }
        #expect(rows.count == 51)
        let wider = target()
        let added = try report(text, into: wider) {
            $0.sampleBytes = 1_000
            $0.addsColumns = true
        }
        #expect(added.addedColumns.map(\.name) == ["colour"] && added.addedColumns[0].type == .int)
        #expect(wider.rows[50].last == "1" && wider.rows[0].last == .some(nil))
    }

    @Test func randomBytesNeverTrap() throws {
        let alphabet = Array(#"{}[]":,\u12d8 ntrue"#.utf8)
        for seed in UInt64(0)..<500 {
            var state = seed
            var bytes: [UInt8] = Array("{".utf8)
            for _ in 0..<60 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            #expect(throws: DukkanError.self, "seed \(seed)") {
                try report(bytes, into: target()) {
                    $0.format = .jsonLines
                    $0.chunkBytes = 16
                }
            }
        }
    }
}

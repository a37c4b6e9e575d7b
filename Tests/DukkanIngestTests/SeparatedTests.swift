import DukkanFormat
import Testing

@testable import DukkanIngest

@Suite struct SeparatedTests {
    private func target() -> MemoryTarget { MemoryTarget("c int !", "t timestamp @", "s string") }

    struct Golden: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var rows: [String]
        var change: @Sendable (inout ImportOptions) -> Void = { _ in }
        var testDescription: String { name }
    }

    static let golden: [Golden] = [
        Golden(
            name: "plain", text: "c,t,s\n1,2025-01-02,x\n2,2025-01-03,y\n",
            rows: ["1|2025-01-02T00:00:00Z|x", "2|2025-01-03T00:00:00Z|y"]),
        Golden(name: "no newline at the end", text: "c,t,s\n1,2025-01-02,x", rows: ["1|2025-01-02T00:00:00Z|x"]),
        Golden(
            name: "CRLF", text: "c,t,s\r\n1,2025-01-02,x\r\n2,2025-01-03,\r\n",
            rows: ["1|2025-01-02T00:00:00Z|x", "2|2025-01-03T00:00:00Z|∅"]),
        Golden(name: "byte order mark", text: "\u{FEFF}c,t,s\n1,2025-01-02,x\n", rows: ["1|2025-01-02T00:00:00Z|x"]),
        Golden(
            name: "quotes",
            text:
                "c,t,s\n1,2025-01-02,\"a,b\"\n2,2025-01-02,\"say \"\"hi\"\"\"\n\"3\",\"2025-01-02\",\"line\nbreak\r\nthere\"\n",
            rows: [
                "1|2025-01-02T00:00:00Z|a,b", "2|2025-01-02T00:00:00Z|say \"hi\"",
                "3|2025-01-02T00:00:00Z|line\nbreak\r\nthere",
            ]),
        Golden(
            name: "empty is null, quoted empty is text",
            text: "c,t,s\n1,2025-01-02,\n2,2025-01-02,\"\"\n3,2025-01-02,\"\"\"\"\n",
            rows: ["1|2025-01-02T00:00:00Z|∅", "2|2025-01-02T00:00:00Z|", "3|2025-01-02T00:00:00Z|\""]),
        Golden(
            name: "quotes within unquoted fields are characters",
            text: "c,t,s\n1,2025-01-02,6\" plate\n2,2025-01-02,a\"b\"c\n3,2025-01-02,x\n",
            rows: ["1|2025-01-02T00:00:00Z|6\" plate", "2|2025-01-02T00:00:00Z|a\"b\"c", "3|2025-01-02T00:00:00Z|x"]),
        Golden(
            name: "blank lines", text: "\n\nc,t,s\n\n1,2025-01-02,x\n\r\n\n2,2025-01-02,y\n\n",
            rows: ["1|2025-01-02T00:00:00Z|x", "2|2025-01-02T00:00:00Z|y"]),
        Golden(name: "semicolons", text: "c;t;s\n1;2025-01-02;a,b\n", rows: ["1|2025-01-02T00:00:00Z|a,b"]),
        Golden(name: "tabs", text: "c\tt\ts\n1\t2025-01-02 03:04\ta b\n", rows: ["1|2025-01-02T03:04:00Z|a b"]),
        Golden(name: "bars", text: "c|t|s\n1|2025-01-02|x\n", rows: ["1|2025-01-02T00:00:00Z|x"]),
        Golden(name: "told separator", text: "c~t~s\n1~2025-01-02~x,y\n", rows: ["1|2025-01-02T00:00:00Z|x,y"]) {
            $0.separator = "~"
        },
        Golden(name: "told quote", text: "c,t,s\n1,2025-01-02,'a,b'\n", rows: ["1|2025-01-02T00:00:00Z|a,b"]) {
            $0.quote = "'"
        },
        Golden(name: "no quote", text: "c,t,s\n1,2025-01-02,\"a\n", rows: ["1|2025-01-02T00:00:00Z|\"a"]) {
            $0.quote = nil
        },
        Golden(
            name: "no header", text: "1,2025-01-02,x\n2,2025-01-02,y\n",
            rows: ["1|2025-01-02T00:00:00Z|x", "2|2025-01-02T00:00:00Z|y"]),
        Golden(name: "names given", text: "x,2025-01-02,1\n", rows: ["1|2025-01-02T00:00:00Z|x"]) {
            $0.columnNames = ["s", "t", "c"]
        },
        Golden(
            name: "names given over a header", text: "C1,C2,C3\nx,2025-01-02,1\n", rows: ["1|2025-01-02T00:00:00Z|x"]
        ) { $0.columnNames = ["s", "t", "c"] },
        Golden(name: "another order and case", text: "S,T,C\nx,2025-01-02,1\n", rows: ["1|2025-01-02T00:00:00Z|x"]),
        Golden(name: "a missing column is null", text: "c,t\n1,2025-01-02\n", rows: ["1|2025-01-02T00:00:00Z|∅"]),
        Golden(
            name: "mapping by name and place", text: "who,when,what\n1,2025-01-02,x\n",
            rows: ["1|2025-01-02T00:00:00Z|x"]
        ) {
            $0.mappings = [
                .init(input: "who", column: "c"), .init(input: "#2", column: "t"), .init(input: "WHAT", column: "s"),
            ]
        },
        Golden(name: "ignored columns", text: "c,t,s,extra\n1,2025-01-02,x,9\n", rows: ["1|2025-01-02T00:00:00Z|x"]) {
            $0.ignoredColumns = ["extra"]
        },
        Golden(
            name: "a trailing separator with an unnamed column", text: "c,t,s,\n1,2025-01-02,x,\n",
            rows: ["1|2025-01-02T00:00:00Z|x"]),
        Golden(
            name: "null words", text: "c,t,s\n1,2025-01-02,NULL\n2,2025-01-02,\"NULL\"\n3,2025-01-02,\\N\n",
            rows: ["1|2025-01-02T00:00:00Z|∅", "2|2025-01-02T00:00:00Z|NULL", "3|2025-01-02T00:00:00Z|∅"]
        ) {
            $0.nullWords = ["NULL", "\\N"]
        },
        Golden(
            name: "beyond ASCII", text: "c,t,s\n1,2025-01-02,دكّان £40 😀\n", rows: ["1|2025-01-02T00:00:00Z|دكّان £40 😀"]),
        Golden(
            name: "spaces belong to text, not to numbers", text: "c,t,s\n 1 , 2025-01-02 , x \n",
            rows: ["1|2025-01-02T00:00:00Z| x "]),
        Golden(name: "header only", text: "c,t,s\n", rows: []),
        Golden(name: "nothing", text: "", rows: []) { $0.columnNames = ["c", "t", "s"] },
    ]

    @Test(arguments: golden) func readsText(_ golden: Golden) throws {
        for chunk in Array(1...40) + [64, 1_000] {
            for threads in [1, 3] {
                let rows = try imported(golden.text, into: target()) {
                    golden.change(&$0)
                    $0.chunkBytes = chunk
                    $0.threads = threads
                }
                #expect(rows == golden.rows, "chunks of \(chunk), \(threads) threads")
            }
        }
    }

    @Test func latin1BecomesUTF8() throws {
        let target = target()
        _ = try report(Array("c,t,s\n1,2025-01-02,".utf8) + [0xA3, 0xE9, 10], into: target) { $0.encoding = .latin1 }
        #expect(target.rows[0][2] == "£é")
    }

    @Test func invalidUTF8IsABadRow() throws {
        let error = #expect(throws: DukkanError.self) {
            try report(Array("c,t,s\n1,2025-01-02,".utf8) + [0xA3, 10], into: target())
        }
        #expect(error?.code == .invalidRow && error?.place.line == 2 && error?.advice?.contains("latin1") == true)
    }

    @Test func utf16IsRefusedWithAdvice() throws {
        let error = #expect(throws: DukkanError.self) { try report([0xFF, 0xFE, 99, 0], into: target()) }
        #expect(error?.code == .invalidInput && error?.advice?.contains("iconv") == true)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var text: String
        var line: Int
        var column: String?
        var says: String
        var testDescription: String { text.debugDescription }
    }

    @Test(
        arguments: [
            Bad(
                text: "c,t,s\n1,2025-01-02,x\n2,2025-01-02\n", line: 3, column: nil,
                says: "2 fields where 3 are expected"),
            Bad(text: "c,t,s\n1,2025-01-02,x,y\n", line: 2, column: nil, says: "4 fields where 3 are expected"),
            Bad(
                text: "c,t,s\n1,2025-01-02,x\n2,2025", line: 3, column: nil,
                says: "the last line is torn: 2 fields of 3"),
            Bad(text: "c,t,s\n1,2025-01-02,\"x\n2,2025-01-02,y\n", line: 2, column: nil, says: "never closed"),
            Bad(
                text: "c,t,s\n1,2025-01-02,\"a\nb\nc\"\n2,2025-01-02,\"x\"y\n", line: 5, column: nil,
                says: "behind a closing quote"),
            Bad(
                text: "c,t,s\n1,2025-01-02,\"a\nb\"\nx,2025-01-02,y\n", line: 4, column: "c",
                says: "\"x\": is no number"),
            Bad(text: "c,t,s\n9223372036854775808,2025-01-02,y\n", line: 2, column: "c", says: "does not fit INT"),
            Bad(
                text: "c,t,s\n1.5,2025-01-02,y\n", line: 2, column: "c",
                says: "has 1 decimal and the column is INT: DECIMAL(1)"),
            Bad(text: "c,t,s\n1,2025-02-30,y\n", line: 2, column: "t", says: "is no time"),
            Bad(text: "c,t,s\n1,,y\n", line: 2, column: "t", says: "the row has no time"),
            Bad(text: "c,t,s\n,2025-01-02,y\n", line: 2, column: "c", says: "the row has no customer"),
        ])
    func badRowsNameTheirPlace(_ bad: Bad) throws {
        for chunk in Array(1...30) + [1_000] {
            for threads in [1, 2] {
                let target = target()
                let error = #expect(throws: DukkanError.self) {
                    try report(bad.text, into: target) {
                        $0.chunkBytes = chunk
                        $0.threads = threads
                        $0.separator = ","
                    }
                }
                #expect(error?.code == .invalidRow)
                #expect(
                    error?.place.line == bad.line && error?.place.column == bad.column,
                    "\(chunk) \(String(describing: error))")
                #expect(error?.message.contains(bad.says) == true, "\(String(describing: error))")
                #expect(error?.place.file == "text")
                #expect(target.rows.isEmpty && target.commits == 0 && target.rollbacks == 1)
            }
        }
    }

    @Test func columnsThatDoNotFitAreRefused() throws {
        func refusal(_ text: String, _ change: (inout ImportOptions) -> Void = { _ in }) -> DukkanError? {
            #expect(throws: DukkanError.self) { try report(text, into: target(), change) }
        }
        let unknown = refusal("c,t,sx\n1,2025-01-02,x\n")
        #expect(unknown?.code == .invalidInput && unknown?.message.contains("no column sx") == true)
        #expect(unknown?.advice?.contains("--add-columns") == true)
        #expect(refusal("c,s\n1,x\n")?.message.contains("no column for t, the time column") == true)
        #expect(refusal("c,C,t\n1,1,2025-01-02\n")?.message.contains("two columns") == true)
        #expect(refusal("1,2025-01-02\n1,2025-01-02,a,b\n") { $0.header = false }?.code == .invalidRow)
        #expect(refusal("1,2025-01-02,a,b\n") { $0.header = false }?.advice?.contains("#4") == true)
        #expect(
            refusal("c,t,s\n1,2025-01-02,x\n") { $0.ignoredColumns = ["zz"] }?.message.contains("no column zz") == true)
        #expect(
            refusal("c,t,s\n1,2025-01-02,x\n") { $0.mappings = [.init(input: "s", column: "zz")] }?.message.contains(
                "no column zz") == true)
        #expect(
            refusal("c,t,s\n1,2025-01-02,x\n") { $0.columnNames = ["c"] }?.message.contains("1 column names") == true)
    }
}

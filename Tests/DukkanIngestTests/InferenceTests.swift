import DukkanFormat
import Testing

@testable import DukkanIngest

@Suite struct InferenceTests {
    private func infer(_ text: String, _ change: (inout ImportOptions) -> Void = { _ in }) throws -> InferredSchema {
        var options = ImportOptions()
        options.chunkBytes = 64
        change(&options)
        let importer = Importer(
            target: MemoryTarget("c int !"), inputs: [ImportInput(bytes: Array(text.utf8), name: "text")],
            options: options)
        return try importer.inferSchema(table: "t")
    }

    /// What a column of these values becomes.
    private func type(_ values: [String], name: String = "v", _ change: (inout ImportOptions) -> Void = { _ in }) throws
        -> String
    {
        let lines = values.map { "x;\"\($0)\"\n" }.joined()
        let column = try infer("k;\(name)\n" + lines) {
            $0.header = true
            $0.separator = ";"
            change(&$0)
        }.columns[1]
        return "\(column.type)" + (column.timeFormat.map { " \($0)" } ?? "")
            + (column.suspectedNullWord.map { " ?\($0)" } ?? "")
    }

    @Test(
        arguments: [
            (["1", "-2", "300"], "INT"), (["1", "", "3"], "INT"), (["9223372036854775808", "1"], "STRING"),
            (["12.3", "4.56", "7"], "DECIMAL(2)"), (["17850.0", "3.0"], "INT"),
            (["12.00", "3.50"], "DECIMAL(2)"), (["12.00", "3.00"], "DECIMAL(2)"), (["1e5", "2"], "DOUBLE"),
            (["0.12345678", "1"], "DOUBLE"), (["00042", "17"], "STRING"), (["0", "0.5"], "DECIMAL(1)"),
            (["true", "false"], "BOOL"), (["t", "f", ""], "BOOL"), (["0", "1"], "INT"), (["yes", "1"], "BOOL"),
            (["a", "1"], "STRING"), (["", ""], "STRING"),
            (["2025-01-02", "2025-03-04"], "DATE iso"), (["2025-01-02", "2025-03-04 05:06"], "TIMESTAMP iso"),
            (["2025-01-02T03:04:05Z"], "TIMESTAMP iso"),
            (["01/02/2025", "03/04/2025"], "DATE DD/MM/YYYY"), (["01/02/2025", "03/14/2025"], "DATE MM/DD/YYYY"),
            (["31.12.2024 08:00"], "TIMESTAMP DD/MM/YYYY"), (["14-Jan-15"], "DATE DD-Mon-YYYY"),
            (["2025/01/02"], "DATE YYYY/MM/DD"), (["2025-01-02", "01/02/2025"], "DATE auto"),
            (["2025-01-02", "soon"], "STRING"), (["1", "NULL", "3"], "INT ?NULL"),
            (["NULL", "x", "y"], "STRING"),
            (["2025-01-02", "N/A"], "DATE iso ?N/A"), (["1735787045"], "INT"), (["20250102"], "INT"),
            (["99999999999999999999.5"], "DOUBLE"),
        ])
    func typesAreTheNarrowestThatHoldAllValues(_ values: [String], _ expected: String) throws {
        #expect(try type(values) == expected)
    }

    @Test func compactDatesAreToldByNameOrNumber() throws {
        #expect(try type(["20250102"], name: "order_date") == "DATE YYYYMMDD")
        #expect(try type((10...28).map { "202501\($0)" }) == "DATE YYYYMMDD")
        #expect(try type((10...60).map { "202501\($0)" }) == "INT")
    }

    @Test func optionsChangeWhatValuesAre() throws {
        #expect(try type(["1", "NULL"]) { $0.nullWords = ["NULL"] } == "INT")
        #expect(try type(["1,50", "2"]) { $0.decimalComma = true } == "DECIMAL(2)")
    }

    @Test func aValueFarFromTheStartCounts() throws {
        let text = "k,v\n" + String(repeating: "x,1\n", count: 5_000) + "x,1.5\n"
        let inferred = try infer(text) {
            $0.sampleBytes = 100
            $0.threads = 3
        }
        #expect(inferred.columns[1].type == .decimal(scale: 1) && inferred.rowCount == 5_001 && inferred.isWhole)
    }

    @Test func customerAndTimeAreGuessed() throws {
        let inferred = try infer(
            "InvoiceNo,Quantity,InvoiceDate,CustomerID\nC1,6,2010-12-01 08:26:00,17850\n2,7,2010-12-01,\n")
        let table = try #require(inferred.table)
        #expect(table.columns.map(\.role) == [.attribute, .attribute, .time, .customer])
        #expect(table.columns.map(\.type) == [.string, .int, .timestamp, .int])
        #expect(inferred.notes.contains { $0.contains("1 rows have no CustomerID") })
        #expect(inferred.columns[0].example == "C1")
    }

    @Test func customerTimeAndKeyCanBeTold() throws {
        let inferred = try infer("a,b,c,d\n1,1735787045,x,2025-01-02\n2,1735787046,y,2025-01-03\n") {
            $0.customerColumn = "c"
            $0.timeColumn = "b"
            $0.uniqueColumn = "#1"
        }
        let table = try #require(inferred.table)
        #expect(table.columns.map(\.role) == [.unique, .time, .customer, .attribute])
        #expect(inferred.columns[1].timeFormat == .epochSeconds && table.columns[1].type == .timestamp)
        #expect(throws: DukkanError.self) { try infer("a,b\n1,2\n") { $0.customerColumn = "zz" } }
    }

    @Test func epochTimesAreGuessedByName() throws {
        let table = try infer("user_id,created_at,v\nu1,1735787045,3\n").table
        #expect(table?.columns.map(\.type) == [.string, .timestamp, .int])
    }

    @Test func datesThatTellNoDayAreNoted() throws {
        #expect(try infer("customer,day\na,01/02/2025\n").notes.contains { $0.contains("day first") })
        #expect(try !infer("customer,day\na,01/02/2025\nb,13/02/2025\n").notes.contains { $0.contains("day first") })
    }

    @Test func decimalCommasAreNoted() throws {
        let inferred = try infer("customer;day;price\na;2025-01-02;12,30\nb;2025-01-02;7\n")
        #expect(inferred.columns[2].type == .string && inferred.notes.contains { $0.contains("--decimal-comma") })
    }

    @Test func whatIsMissingIsSaid() throws {
        let inferred = try infer("a,b\nx,y\nz,w\n") { $0.header = true }
        #expect(inferred.table == nil && inferred.notes.contains { $0.contains("--customer") })
        #expect(try infer("customer,b\nx,y\n").notes.contains { $0.contains("--time") })
    }

    @Test func aTableIsMadeAndFilledFromOneInput() throws {
        let text = "user,when,price\nu1,12/31/2024 10:00,1.5\nu2,1/2/2025 9:30,2.25\n"
        var options = ImportOptions()
        options.mappings = [.init(input: "user", column: "customer_id"), .init(input: "when", column: "seen_at")]
        let target = MemoryTarget("c int !")
        let importer = Importer(
            target: target, inputs: [ImportInput(bytes: Array(text.utf8), name: "text")], options: options)
        target.schema = try #require(try importer.inferSchema(table: "t").table)
        #expect(target.schema.columns.map(\.name) == ["customer_id", "seen_at", "price"])
        _ = try importer.run(into: "t")
        #expect(target.rows == [["u1", "2024-12-31T10:00:00Z", "1.50"], ["u2", "2025-01-02T09:30:00Z", "2.25"]])
    }

    @Test func paddedNumbersOfBlankSeparatedTextAreNumbers() throws {
        let inferred = try infer(
            " customer_id  date n  v\r\n 00001 19970101  1   11.77\r\n 00002 19970112  1   12.00\r\n")
        #expect(inferred.format == .blankSeparated && inferred.hasHeader)
        #expect(inferred.table?.columns.map(\.type) == [.int, .timestamp, .int, .decimal(scale: 2)])
    }

    @Test func aHeaderIsToldFromValues() throws {
        #expect(try infer("a,b\n1,2\n").hasHeader)
        #expect(try !infer("1,x\n2,y\n").hasHeader)
        #expect(try !infer("x,2025-01-02\ny,2025-01-03\n").hasHeader)
        #expect(try !infer("a,a\nb,c\n").hasHeader)
        #expect(try infer("1,x\n2,y\n").columns.map(\.name) == ["column1", "column2"])
    }

    @Test func jsonKeysOfTheWholeFileAreColumns() throws {
        let text =
            String(repeating: #"{"user_id":"a","ts":"2025-01-02","n":1}"# + "\n", count: 100)
            + #"{"user_id":"a","ts":"2025-01-02","late":true}"#
        let inferred = try infer(text) { $0.sampleBytes = 500 }
        #expect(inferred.columns.map(\.name) == ["user_id", "ts", "n", "late"])
        #expect(inferred.table?.columns.map(\.type) == [.string, .timestamp, .int, .bool])
        #expect(inferred.columns[3].nullCount == 100)
    }
}

import DukkanFormat
import DukkanLanguage
import DukkanQuery
import Testing

@Suite struct PlaceTests {
    @Test func linesEndWithOrWithoutACarriageReturn() throws {
        #expect(try Parser.parse("SHOW\r\nTABLES\r\n").map(\.statement) == [.showTables])
        let text = "SELECT a,\r\n FROM t"
        let error = #expect(throws: DukkanError.self) { try Parser.parse(text) }
        #expect(error?.place.line == 2)
        #expect(error?.rendered(in: text) == "line 2: expected an expression, found 'FROM'\n   FROM t\n   ^")
    }

    @Test func aStatementKnowsItsText() throws {
        let text = "-- one\nSELECT é FROM t ; SHOW TABLES"
        let statements = try Parser.parse(text)
        #expect(statements.map(\.text) == ["SELECT é FROM t", "SHOW TABLES"])
        #expect(statements.map(\.name) == ["one", nil])
    }

    @Test func anErrorOfTheEngineIsPlacedAtTheNameThatItTellsOf() throws {
        let text = "SHOW TABLES;\nSELECT 'devise', /* devise */ count(*) FROM orders\nWHERE Devise = 'mobile'"
        let statement = try Parser.parse(text)[1]
        let error = DukkanError(.invalidQuery, "there is no column 'devise' in orders", advice: "did you mean device?")
        #expect(
            statement.placed(error).rendered(in: text)
                == """
                line 3: there is no column 'devise' in orders
                  WHERE Devise = 'mobile'
                        ^
                  did you mean device?
                """)
    }

    @Test func theNameOfAnErrorMayBeItsColumnOrHaveATable() throws {
        let statement = try Parser.parse("SELECT a FROM \"my table\" WHERE o.b = 1")[0]
        let column = DukkanError(.invalidQuery, "no such column", place: .init(column: "b"))
        #expect(statement.placed(column).place.offset == 33)
        let qualified = DukkanError(.invalidQuery, "no column \"o.b\"")
        #expect(statement.placed(qualified).place.offset == 33)
        let table = DukkanError(.notFound, "no table 'my table'")
        #expect(statement.placed(table).place.offset == 14)
    }

    @Test func anErrorWithoutANameOfTheStatementStaysAsItIs() throws {
        let statement = try Parser.parse("SHOW TABLES; SELECT a FROM t")[0]
        let foreign = DukkanError(.invalidQuery, "no column 'a'")
        #expect(statement.placed(foreign).place == DukkanError.Place())
        let placed = DukkanError(.corrupt, "bad 'tables'", place: .init(file: "x.part", offset: 7))
        #expect(statement.placed(placed).place.offset == 7)
        #expect(placed.rendered(in: "SHOW TABLES") == placed.description)
    }
}

@Suite struct NearestNameTests {
    @Test(arguments: [
        ("RETENTON", "RETENTION"), ("selct", "SELECT"), ("FORM", "FROM"), ("b", nil), ("x", nil), ("", nil),
        ("orders", "ORDERS"), ("something", nil),
    ]) func aMisspelledNameFindsItsNearest(name: String, expected: String?) {
        let candidates = ["SELECT", "FROM", "RETENTION", "BY", "A", "ORDERS", ""]
        #expect(NearestName.find(name, among: candidates) == expected)
    }

    @Test func namesOfAnyLengthAreCompared() {
        let long = String(repeating: "é", count: 10_000)
        #expect(NearestName.find(long, among: [long, "a"]) == nil)
        #expect(NearestName.advice(for: "devise", among: ["country", "device"]) == "did you mean device?")
    }
}

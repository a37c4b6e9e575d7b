import DukkanFormat
import DukkanLanguage
import DukkanQuery
import DukkanTime
import Testing

@Suite struct RoundTripTests {
    static let statementCount = 25_000

    @Test(arguments: [1, 2]) func aStatementReadsBackFromItsCanonicalText(seed: UInt64) {
        var generator = RandomStatements(seed: seed)
        for number in 0..<RoundTripTests.statementCount / 2 {
            let statement = generator.statement()
            let text = statement.canonicalText
            do {
                let again = try Parser.parse(text)
                guard again.count == 1, again[0].statement == statement, again[0].statement.canonicalText == text else {
                    let read = again.map(\.statement.canonicalText)
                    Issue.record("seed \(seed), statement \(number):\n\(text)\nreads back as\n\(read)")
                    return
                }
            } catch {
                Issue.record("seed \(seed), statement \(number): \(error.rendered(in: text))\n\(text)")
                return
            }
        }
    }

    @Test func anExpressionReadsBackFromItsCanonicalText() throws {
        let seed: UInt64 = 3
        var generator = RandomStatements(seed: seed)
        for number in 0..<5_000 {
            let inSegment = generator.chance(50)
            let expression = generator.expression(5, inSegment: inSegment)
            let text = expression.canonicalText(inSegment: inSegment)
            let again =
                inSegment ? try Parser.parseSegmentCondition(text) : try Parser.parseExpression(text)
            #expect(again == expression, "seed \(seed), expression \(number): \(text)")
        }
    }

    @Test func blanksAndCommentsBetweenTokensChangeNothing() throws {
        let seed: UInt64 = 4
        var generator = RandomStatements(seed: seed)
        for number in 0..<2_000 {
            let statement = generator.statement()
            var text = ""
            var quote: Unicode.Scalar?
            for scalar in statement.canonicalText.unicodeScalars {
                if quote == nil, scalar == "'" || scalar == "\"" {
                    quote = scalar
                } else if quote == scalar {
                    quote = nil
                }
                let isBlank = quote == nil && scalar == " "
                let blanks = [" ", "\n", "\r\n\t", " /* ' */ ", " -- \" it's\n", "\u{A0} "]
                text.unicodeScalars.append(
                    contentsOf: (isBlank ? generator.pick(blanks) : String(scalar)).unicodeScalars)
            }
            let again = try Parser.parse(text + " ;")
            #expect(again.map(\.statement) == [statement], "seed \(seed), statement \(number): \(text)")
        }
    }

    @Test(arguments: [
        (Value.double(.nan), "DOUBLE 'NaN'"), (.double(1e300), "1e+300"), (.double(-0.5), "-0.5e0"),
        (.decimal(DecimalValue(unscaled: -1250, scale: 2)), "-12.50"),
        (.decimal(DecimalValue(unscaled: 5, scale: 0)), "5."),
        (.timestamp(Timestamp(microseconds: 0)), "TIMESTAMP '1970-01-01T00:00:00Z'"),
        (.date(CivilDate(days: 0)), "DATE '1970-01-01'"), (.string("it's"), "'it''s'"), (.null, "NULL"),
    ]) func aValueIsWrittenAsALiteral(value: Value, text: String) {
        #expect(value.canonicalText == text)
    }
}

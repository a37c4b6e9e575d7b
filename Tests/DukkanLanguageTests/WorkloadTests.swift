import DukkanFormat
import DukkanLanguage
import DukkanQuery
import Testing

@Suite struct WorkloadTests {
    @Test func everyStatementOfTheWorkloadIsReadAndNamed() throws {
        let statements = try Parser.parse(try ProjectFile.text("tools/workload/workload.dukkan"))
        let names = statements.compactMap { $0.name?.split(separator: " ").first.map(String.init) }
        let expected = ["F1", "F2", "F3", "R1", "R2", "S1", "S2", "S3", "S4", "S5", "S6", "B1", "X1", "P1", "L1"]
        #expect(names == expected)
        for parsed in statements {
            let again = try Parser.parse(parsed.statement.canonicalText)
            #expect(again.map(\.statement) == [parsed.statement])
        }
    }

    @Test func theRangeOfTheThirdFunnelLimitsEveryStep() throws {
        let statements = try Parser.parse(try ProjectFile.text("tools/workload/workload.dukkan"))
        guard case .funnel(let funnel) = statements[2].statement else {
            Issue.record("F3 is not a funnel")
            return
        }
        #expect(funnel.steps.map(\.name) == ["viewed", "carted", "checkout", "bought"])
        #expect(funnel.window == 3_600_000_000)
        #expect(funnel.filter?.canonicalText == "ts >= '2025-10-01' AND ts < '2025-10-31'")
        #expect(funnel.steps[3].filter?.canonicalText == "event = 'purchase'")
    }
}

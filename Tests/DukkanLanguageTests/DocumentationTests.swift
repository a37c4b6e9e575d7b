import DukkanFormat
import DukkanQuery
import Testing

@testable import DukkanLanguage

/// What `docs/language.md` says, held against the parser.
@Suite struct DocumentationTests {
    /// The blocks of code of one kind.
    private static func blocks(_ kind: String) throws -> [String] {
        var blocks: [String] = []
        var current: [Substring]?
        let text = try ProjectFile.text("docs/language.md")
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```" + kind {
                current = []
            } else if line == "```", let lines = current {
                blocks.append(lines.joined(separator: "\n"))
                current = nil
            } else {
                current?.append(line)
            }
        }
        return blocks
    }

    @Test func everyExampleIsReadAndReadsBack() throws {
        let blocks = try DocumentationTests.blocks("sql")
        #expect(blocks.count >= 18)
        var kinds: Set<String> = []
        for block in blocks {
            do {
                let statements = try Parser.parse(block)
                #expect(!statements.isEmpty)
                for parsed in statements {
                    let text = parsed.statement.canonicalText
                    #expect(try Parser.parse(text).map(\.statement) == [parsed.statement], "\(text)")
                    kinds.insert(String(text.split(separator: " ")[0]))
                }
            } catch {
                Issue.record("\(error.rendered(in: block))")
            }
        }
        let all = ["SELECT", "FUNNEL", "RETENTION", "DECILES", "DEFINE", "DROP", "CREATE", "ALTER", "SHOW", "DESCRIBE"]
        #expect(kinds.isSuperset(of: all + ["EXPLAIN"]))
    }

    @Test func theReservedWordsAreThoseOfThePage() throws {
        let quoted = try ProjectFile.text("docs/language.md").split(separator: "\n").filter { $0.hasPrefix("> ") }
        let words = quoted.joined(separator: " ").split { !$0.isLetter }.map { String($0) }
        #expect(words == Keyword.allCases.filter(\.isReserved).map(\.text).sorted())
    }

    @Test func everyWordOfTheGrammarIsAWordOfTheLanguage() throws {
        let grammar = try DocumentationTests.blocks("ebnf").joined()
        let words = Set(grammar.split { !$0.isLetter }.map { String($0) }.filter { $0.allSatisfy(\.isUppercase) })
        let units = TimeUnit.allCases.map { $0.rawValue.uppercased() } + ["S"]
        for word in words.subtracting(units) { #expect(Keyword.named(word) != nil, "\(word)") }
        // And the other way round, but for the words that are only refused.
        let refused: Set<Keyword> = [
            .cast, .escape, .exists, .if, .join, .primary, .summarize, .with,
        ]
        for keyword in Keyword.allCases where !refused.contains(keyword) {
            #expect(words.contains(keyword.text), "\(keyword.text)")
        }
    }

    @Test func theLimitsAreThoseOfThePage() throws {
        let page = try ProjectFile.text("docs/language.md")
        #expect(Parser.textByteCountMax == 4 << 20 && page.contains("| a text of statements | 4 MiB |"))
        #expect(page.contains("within each other | \(Parser.nestingDepthMax) |"))
        #expect(page.contains("`a AND b AND …` | \(Parser.expressionHeightMax);"))
        #expect(page.contains("| expressions in `GROUP BY`; in `ORDER BY` | 63; \(Parser.keyCountMax) |"))
        #expect(page.contains("| steps of a funnel | \(FunnelQuery.stepCountMax) |"))
        #expect(Parser.itemCountMax == 1_000 && TableSchema.columnCountMax == 1_000)
        #expect(RetentionQuery.periodCountMax == 1_000 && page.contains("| periods of a retention | 1,000 |"))
    }
}

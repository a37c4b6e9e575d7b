import DukkanFormat
import DukkanLanguage
import DukkanQuery
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// An input with what the parser makes of it.
struct LanguageCase {
    var remarks: [String] = []
    var input: [String] = []
    var outcome: [String] = []

    static let divider = "---->"
    static let end = "===="

    /// The cases of a file.
    static func read(_ text: String) -> [LanguageCase] {
        var cases: [LanguageCase] = []
        var current = LanguageCase()
        var isOutcome = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line == divider {
                isOutcome = true
            } else if line == end {
                cases.append(current)
                current = LanguageCase()
                isOutcome = false
            } else if isOutcome {
                current.outcome.append(line)
            } else if current.input.isEmpty, line.isEmpty || line.hasPrefix("#") {
                current.remarks.append(line)
            } else {
                current.input.append(line)
            }
        }
        return cases
    }

    /// The case as the file holds it, with another outcome.
    func text(_ outcome: [String]) -> String {
        (remarks + input + [LanguageCase.divider] + outcome + [LanguageCase.end]).map { $0 + "\n" }.joined()
    }

    /// What the parser makes of the input.
    func parsed() -> [String] {
        let text = input.joined(separator: "\n")
        do {
            return try Parser.parse(text).flatMap { parsed in
                let outcome = (parsed.name.map { "-- \($0): " } ?? "") + parsed.statement.canonicalText
                return outcome.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            }
        } catch {
            let lines = error.rendered(in: text).split(separator: "\n", omittingEmptySubsequences: false)
            return ["error \(error.code)"] + lines.map { String($0) }
        }
    }
}

@Suite struct CaseTests {
    static let files = [
        "select", "expressions", "funnel", "retention", "activity", "segments", "tables", "lexical", "errors",
    ]

    @Test(arguments: files) func everyCaseOfAFileHasItsOutcome(file: String) throws {
        let path = "Tests/DukkanLanguageTests/Cases/\(file).txt"
        let cases = LanguageCase.read(try ProjectFile.text(path))
        #expect(!cases.isEmpty)
        if getenv("DUKKAN_RECORD") != nil {
            try ProjectFile.write(cases.map { $0.text($0.parsed()) }.joined(), to: path)
            return
        }
        for one in cases {
            #expect(one.parsed() == one.outcome, "\(one.input.joined(separator: "\n"))")
        }
    }

    @Test(arguments: files) func canonicalTextIsItsOwnCanonicalText(file: String) throws {
        let cases = LanguageCase.read(try ProjectFile.text("Tests/DukkanLanguageTests/Cases/\(file).txt"))
        for one in cases where one.outcome.first?.hasPrefix("error ") == false {
            for parsed in try Parser.parse(one.input.joined(separator: "\n")) {
                let text = parsed.statement.canonicalText
                let again = try Parser.parse(text)
                #expect(again.map(\.statement.canonicalText) == [text])
                // A NaN is not equal to itself.
                if !text.contains("'NaN'") { #expect(again.map(\.statement) == [parsed.statement], "\(text)") }
            }
        }
    }
}

import DukkanFormat
import DukkanLanguage
import DukkanQuery
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Texts that are no statements: whatever comes, the parser answers with a statement or with an error that has a place.
@Suite struct HostileTextTests {
    /// What is wrong with the parser's answer, nil if nothing is.
    private static func fault(of text: String) -> String? {
        do {
            for parsed in try Parser.parse(text) {
                let canonical = parsed.statement.canonicalText
                let again = try Parser.parse(canonical)
                if again.map(\.statement.canonicalText) != [canonical] { return "canonical text changes: \(canonical)" }
                if parsed.range.lowerBound < 0 || parsed.range.upperBound > text.utf8.count { return "a range outside" }
            }
            return nil
        } catch {
            guard error.code == .syntax || error.code == .limit else { return "code \(error.code)" }
            guard let offset = error.place.offset, let line = error.place.line else { return "no place: \(error)" }
            if offset < 0 || offset > text.utf8.count || line < 1 { return "a place outside: \(error)" }
            if error.message.isEmpty || error.rendered(in: text).isEmpty { return "no message" }
            return nil
        }
    }

    @Test func randomBytesAreStatementsOrErrors() {
        let seed: UInt64 = 11
        var generator = RandomStatements(seed: seed)
        for _ in 0..<5_000 {
            let bytes = generator.many(0...60) { UInt8.random(in: 0...255, using: &$0.random) }
            let text = String(decoding: bytes, as: UTF8.self)
            if let fault = HostileTextTests.fault(of: text) {
                Issue.record("seed \(seed), bytes \(bytes): \(fault)")
                return
            }
        }
    }

    @Test func randomTokensAreStatementsOrErrors() {
        let seed: UInt64 = 12
        var generator = RandomStatements(seed: seed)
        let words =
            "SELECT FROM WHERE GROUP BY HAVING ORDER LIMIT OFFSET FUNNEL WITHIN DAYS RETENTION OF RETURNING WEEK FOR PERIODS SEGMENT IN IS NOT NULL AND OR LIKE BETWEEN CASE WHEN THEN ELSE END AS OF TIME ZONE START SUNDAY DISTINCT FILTER INTERVAL DATE NOW TRUE TIES RECORDED ENTERED TO ATTRIBUTED STEP FIRST TOP DEFINE DROP CREATE TABLE CUSTOMER INT TIMESTAMP UNIQUE ALTER ADD COLUMN SHOW TABLES EXPLAIN ANALYZE DECILES customers MEASURING EXCLUDING PER ATTEMPT HOLDING STRICT ANY EVER OPTIONAL GAP SESSION COUNTING SESSIONS TRENDS CONVERT BINS REACHED DROPPED OPEN AT OF DID SEGMENTS UNION EXCEPT PRESET BRACKETS ROLLING LEAST MORE ON TOWARDS DEPTH SPLIT active first count sum a t orders ( ) , ; . = <> < - + * / % || 1 2.5 1e3 'x' '2025-01-01' \"q\" 90 -- /* */ ' \" == & \u{201C} \n"
            .split(separator: " ").map { String($0) }
        for number in 0..<20_000 {
            let first = generator.pick([
                "SELECT a FROM t", "FUNNEL a = t", "SELECT", "DEFINE SEGMENT s AS", "RETENTION OF t BY DAY",
                "PATHS OF t ON a", "",
            ])
            let text = first + " " + generator.many(0...14) { $0.pick(words) }.joined(separator: " ")
            if let fault = HostileTextTests.fault(of: text) {
                Issue.record("seed \(seed), text \(number): \(fault)\n\(text)")
                return
            }
        }
    }

    @Test func damagedStatementsAreStatementsOrErrors() {
        let seed: UInt64 = 13
        var generator = RandomStatements(seed: seed)
        for number in 0..<5_000 {
            var bytes = Array(generator.statement().canonicalText.utf8)
            for _ in 0...generator.index(3) where !bytes.isEmpty {
                let place = generator.index(bytes.count)
                switch generator.index(4) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &generator.random), at: place)
                case 2: bytes[place] = UInt8.random(in: 0...255, using: &generator.random)
                default: bytes.removeSubrange(place..<min(bytes.count, place + generator.index(9)))
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if let fault = HostileTextTests.fault(of: text) {
                Issue.record("seed \(seed), text \(number): \(fault)\n\(text)")
                return
            }
        }
    }

    static let deepTexts = [
        "SELECT " + String(repeating: "(", count: 20_000),
        "SELECT " + String(repeating: "NOT ", count: 20_000) + "a FROM t",
        "SELECT " + String(repeating: "- ", count: 20_000) + "a FROM t",
        "SELECT " + String(repeating: "+", count: 20_000) + "a FROM t",
        "SELECT a" + String(repeating: " AND a", count: 20_000) + " FROM t",
        "SELECT a" + String(repeating: " IS NULL", count: 20_000) + " FROM t",
        "SELECT a" + String(repeating: " + 1", count: 20_000) + " FROM t",
        "SELECT " + String(repeating: "f(", count: 20_000) + "a FROM t",
        "SELECT " + String(repeating: "sum(", count: 20_000) + "a FROM t",
        "SELECT " + String(repeating: "CASE ", count: 20_000) + "a FROM t",
        "SELECT " + String(repeating: "CASE WHEN ", count: 20_000) + "a FROM t",
        "SELECT a FROM t WHERE " + String(repeating: "SEGMENT (", count: 20_000),
        "SELECT a FROM t WHERE " + String(repeating: "a IN (", count: 20_000),
        "SELECT a FROM t WHERE " + String(repeating: "a BETWEEN (", count: 20_000),
        "FUNNEL a = t FOR SEGMENT " + String(repeating: "(", count: 20_000),
        "SELECT a FROM t WHERE " + String(repeating: "IN SEGMENT a AT ", count: 20_000),
        "DEFINE SEGMENT s AS " + String(repeating: "REACHED a OF (FUNNEL a = t WHERE ", count: 20_000),
        "SELECT a FROM t WHERE " + String(repeating: "SEGMENT (DID (t WHERE ", count: 20_000),
    ]

    @Test(arguments: deepTexts.indices) func whatIsTooDeepIsAnErrorOfCodeLimit(index: Int) {
        let text = HostileTextTests.deepTexts[index]
        let error = #expect(throws: DukkanError.self) { try Parser.parse(text) }
        #expect(error?.code == .limit, "\(text.prefix(40))")
        #expect(error?.place.offset != nil)
    }

    @Test func theDeepestExpressionFitsIntoASmallStack() throws {
        // Threads other than the main one have 512 KiB on Apple's systems.
        func nested(_ opening: String, _ closing: String, _ count: Int) -> String {
            String(repeating: opening, count: count) + "a" + String(repeating: closing, count: count)
        }
        let depth = Parser.nestingDepthMax
        let texts = [
            nested("b AND (c OR ", ")", depth - 1), nested("NOT (b AND ", ")", (depth - 1) / 2),
            nested("f(", ")", depth - 1),
            nested("CASE WHEN b THEN ", " END", depth - 1), nested("sum(", ")", depth - 1),
            nested("REACHED a OF (FUNNEL a = t WHERE ", ")", (depth - 1) / 7),
            nested("", " + 1", Parser.expressionHeightMax - 1), nested("", " AND b", Parser.expressionHeightMax - 1),
        ]
        for text in texts {
            let isRead = runOnSmallStack { (try? Parser.parseExpression(text).canonicalText.count) == text.count }
            #expect(isRead == true, "\(text.prefix(40))")
        }
    }

    @Test func aLongTextIsRefused() {
        let text = String(repeating: " ", count: Parser.textByteCountMax + 1)
        let error = #expect(throws: DukkanError.self) { try Parser.parse(text) }
        #expect(error?.code == .limit)
    }

    @Test func aListOfManyValuesIsRead() throws {
        let text = "SELECT a FROM t WHERE a IN (" + (0..<100_000).map { "\($0)" }.joined(separator: ",") + ")"
        guard case .select(let query) = try Parser.parse(text)[0].statement,
            case .inList(_, let values, _)? = query.filter
        else {
            Issue.record("not a list")
            return
        }
        #expect(values.count == 100_000)
    }

    @Test func theTimeGrowsWithTheLengthOnly() throws {
        // Anything quadratic would take minutes here.
        let text = String(repeating: "-- a name\nSHOW TABLES;\n", count: 20_000)
        let statements = try Parser.parse(text)
        #expect(statements.count == 20_000)
        #expect(statements.allSatisfy { $0.name == "a name" })
    }

    @Test func nestedShortFormsOfCaseDoNotMultiply() {
        var text = "a"
        for _ in 0..<10 { text = "CASE \(text) WHEN 1 THEN 2 WHEN 3 THEN 4 END" }
        let error = #expect(throws: DukkanError.self) { try Parser.parseExpression(text) }
        #expect(error?.message == "the operand of CASE is too large")
    }
}

/// Runs a body on a thread with a stack of 512 KiB; nil if there is no such thread.
private func runOnSmallStack(_ body: @escaping @Sendable () -> Bool) -> Bool? {
    final class Work: Sendable {
        let body: @Sendable () -> Bool
        init(_ body: @escaping @Sendable () -> Bool) { self.body = body }
    }
    func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        return work.body() ? argument : nil
    }
    return withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { attributes in
        guard let attributes = attributes.baseAddress, pthread_attr_init(attributes) == 0,
            pthread_attr_setstacksize(attributes, 512 << 10) == 0
        else { return nil }
        defer { pthread_attr_destroy(attributes) }
        let work = Unmanaged.passRetained(Work(body)).toOpaque()
        #if canImport(Glibc)
        var thread: pthread_t = 0
        guard pthread_create(&thread, attributes, { run($0) }, work) == 0 else { return nil }
        #else
        var thread: pthread_t?
        guard pthread_create(&thread, attributes, { run($0) }, work) == 0, let thread else { return nil }
        #endif
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        return result != nil
    }
}

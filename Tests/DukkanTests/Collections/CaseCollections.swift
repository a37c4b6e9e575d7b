import Dukkan
import Foundation
import Testing

/// Collections of cases from other systems' own tests: events in, numbers out; kept beside the package.
enum CaseCollections {
    /// Where the collections are: `DUKKAN_CASES`, or `shared/cases` beside the package; nil when neither is there.
    static let directory: String? = {
        let package = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appending(path: "shared/cases").path()
        let candidates = [ProcessInfo.processInfo.environment["DUKKAN_CASES"], beside].compactMap { $0 }
        return candidates.first { FileManager.default.fileExists(atPath: $0 + "/posthog.json") }
    }()

    static let isAbsent = "skipped: the collections of cases are not there; DUKKAN_CASES names their directory"

    /// The cases of a collection; none where the collections are absent.
    static func load(_ collection: String, file: String) -> [CollectionCase] {
        guard let directory, let data = FileManager.default.contents(atPath: directory + "/" + file) else { return [] }
        guard let object = try? JSONDecoder().decode(CaseValue.self, from: data) else {
            preconditionFailure("\(file) is not a collection of cases")
        }
        return (object["cases"]?.list ?? []).map { CollectionCase(collection: collection, fields: $0) }
    }

    static let clickHouse = load("clickhouse", file: "clickhouse_window_funnel.json")
    static let postHog = load("posthog", file: "posthog.json")
}

/// A value of JSON.
enum CaseValue: Sendable, Decodable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case array([CaseValue])
    case object([String: CaseValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([CaseValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: CaseValue].self))
        }
    }

    /// A member of an object; nil where it is absent or null.
    subscript(_ name: String) -> CaseValue? {
        guard case .object(let members) = self, let value = members[name], value != .null else { return nil }
        return value
    }

    var list: [CaseValue] {
        if case .array(let items) = self { return items }
        return []
    }

    var members: [String: CaseValue] {
        if case .object(let members) = self { return members }
        return [:]
    }

    var string: String? {
        if case .text(let text) = self { return text }
        return nil
    }

    var double: Double? {
        if case .number(let number) = self { return number }
        return nil
    }

    var int: Int? { double.flatMap { Int(exactly: $0) } }

    var isTrue: Bool { self == .bool(true) }

    /// As a person writes it: whole numbers without a point.
    var text: String {
        switch self {
        case .null: ""
        case .bool(let value): "\(value)"
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .text(let text): text
        case .array, .object: "\(self)"
        }
    }
}

/// Why a case cannot be said in the language.
struct CannotBeSaid: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// One case, named after its source.
struct CollectionCase: Sendable, CustomTestStringConvertible {
    var collection: String
    var fields: CaseValue

    var testDescription: String { "\(collection) \(fields["id"]?.text ?? "?") \(fields["name"]?.text ?? "")" }

    var kind: String { fields["kind"]?.string ?? "levels" }

    var expected: CaseValue { fields["expected"] ?? .null }

    /// Refuses fields that this reader of cases does not know: what they mean would be left out.
    func checkFields(_ known: Set<String>) throws {
        let always: Set<String> = [
            "id", "name", "kind", "source_path", "note", "times_synthetic", "expected", "events", "timezone", "status",
        ]
        let unknown = fields.members.filter { $0.value != .null }.keys.filter { !known.contains($0) }
        let rest = Set(unknown).subtracting(always)
        guard rest.isEmpty else {
            throw CannotBeSaid("the field \(rest.sorted().joined(separator: ", ")) has no meaning here")
        }
    }
}

import Dukkan
import Foundation

/// A store that holds the events of one case in a table `events`: customer, time and a column for each property.
struct CollectionStore {
    private let folder = StoreFolder()
    let store: Store

    /// - Parameters:
    ///   - columns: besides `customer` and `time`, with their types.
    ///   - rows: a JSON object each.
    init(columns: [(name: String, type: String)], rows: [[String: CaseValue]]) throws {
        var options = StoreOptions()
        options.threads = 2
        options.automaticCompaction = false
        store = try Store.create(at: folder.path, options: options)
        let definitions = columns.map { "\(CollectionStatements.name($0.name)) \($0.type)" }
        _ = try store.query(
            "CREATE TABLE events ("
                + (["customer STRING CUSTOMER", "time TIMESTAMP TIME"] + definitions).joined(separator: ", ") + ")")
        let file = folder.path + ".jsonl"
        defer { try? FileManager.default.removeItem(atPath: file) }
        // Two commits, so that the rows of a customer come from several parts.
        let half = (rows.count + 1) / 2
        for share in [rows.prefix(half), rows.dropFirst(half)] where !share.isEmpty {
            let lines = share.map { row in
                let members = row.sorted { $0.key < $1.key }.map { "\(Self.json($0.key)):\(Self.json($0.value))" }
                return "{\(members.joined(separator: ","))}"
            }
            try lines.joined(separator: "\n").appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
            try store.importFiles([file], into: "events")
        }
    }

    private static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 32: quoted += String(format: "\\u%04x", scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func json(_ value: CaseValue) -> String {
        if case .number = value { return value.text }
        return value == .null ? "null" : json(value.text)
    }

    /// The events of a PostHog case: person, event, time, properties as text.
    init(events: [CaseValue]) throws {
        let properties = Set(events.flatMap { $0["props"]?.members.keys.map { $0 } ?? [] }).sorted()
        let rows = events.map { event in
            var row = (event["props"]?.members ?? [:]).mapValues { $0 == .null ? $0 : .text($0.text) }
            row["customer"] = event["person"]
            row["time"] = event["time"]
            row["event"] = event["event"]
            return row
        }
        try self.init(
            columns: (["event"] + properties.filter { !["event", "time", "customer"].contains($0) }).map {
                ($0, "STRING")
            }, rows: rows)
    }

    /// The answer as columns by name.
    func ask(_ statement: String) throws -> CollectionAnswer {
        let result = try store.query(statement)
        return CollectionAnswer(names: result.columns.map(\.name), rows: result.rows)
    }
}

/// An answer whose cells are found by the names of columns.
struct CollectionAnswer {
    var names: [String]
    var rows: [[Value]]

    func value(_ name: String, _ row: [Value]) -> Value {
        names.firstIndex(of: name).map { row[$0] } ?? .null
    }

    func number(_ name: String, _ row: [Value]) -> Double? {
        switch value(name, row) {
        case .int(let count): Double(count)
        case .double(let number): number
        case .decimal(let number): number.double
        default: nil
        }
    }

    func text(_ name: String, _ row: [Value]) -> String {
        let value = value(name, row)
        return value == .null ? "" : "\(value)"
    }

    /// Groups of rows that have one text in a column, in the order of the answer.
    func groups(_ name: String) -> [(key: String, rows: [[Value]])] {
        var groups: [(key: String, rows: [[Value]])] = []
        for row in rows {
            let key = text(name, row)
            if let place = groups.firstIndex(where: { $0.key == key }) {
                groups[place].rows.append(row)
            } else {
                groups.append((key, [row]))
            }
        }
        return groups
    }
}

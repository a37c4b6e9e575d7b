import DukkanFormat
import DukkanStorage
import DukkanTime

@testable import DukkanQuery

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A real store in a temporary directory, filled from a world in memory in several commits.
final class EngineStore {
    let core: StoreCore
    let path: String
    private var columns = EngineStore.columns

    static let columns: [ColumnDefinition] = [
        ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("time", .timestamp, role: .time),
        ColumnDefinition("kind", .string), ColumnDefinition("group", .string),
        ColumnDefinition("amount", .decimal(scale: 2)), ColumnDefinition("session_id", .int),
        ColumnDefinition("tag", .string),
    ]

    init(budget: Int = 1 << 30) throws {
        // In memory where the system has such a place: the tests make thousands of stores.
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(place)/dukkan-engine-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ReferenceError("no temporary directory") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        core = try StoreCore.create(
            path: path + "/store",
            options: StoreOptions(memoryBudgetBytes: budget, threads: 2, automaticCompaction: false))
    }

    deinit {
        core.close()
        EngineStore.remove(path)
    }

    private static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { remove(path + "/" + name) }
            }
            closedir(directory)
        }
        if rmdir(path) != 0 { unlink(path) }
    }

    /// Fills both tables; rows of the world are in order of ingest and are cut into commits at random.
    ///
    /// - Parameter hasMore: whether there is a column that nothing asks for, and a table of other customers.
    func fill(
        _ world: ReferenceWorld, commits: Int, random: inout SeededGenerator, hasMore: Bool = false
    ) throws {
        columns = EngineStore.columns + (hasMore ? [ColumnDefinition("unrelated", .string)] : [])
        for name in ["events", "orders"] {
            try core.createTable(TableSchema(name, columns: columns, allowsNullCustomer: true))
        }
        if hasMore { try addOthers(world) }
        try core.commit()
        var rest = world.tables.mapValues { $0.rows[...] }
        for commit in 0..<commits {
            for name in rest.keys.sorted() {
                guard let rows = rest[name] else { continue }
                let count = commit == commits - 1 ? rows.count : Int.random(in: 0...rows.count, using: &random)
                if count > 0 { try core.append(table: name, batch(rows.prefix(count))) }
                rest[name] = rows.dropFirst(count)
            }
            try core.commit()
        }
    }

    /// A table that no query asks, with rows of customers of its own and of the world's.
    private func addOthers(_ world: ReferenceWorld) throws {
        try core.createTable(TableSchema("others", columns: columns, allowsNullCustomer: true))
        let rows = (0..<40).map { number in
            ReferenceWorld.Row(customer: .integer(Int64(number) * 3 - 30), time: Int64(number) * 1_000_000_000)
        }
        try core.append(table: "others", batch(rows[...]))
    }

    private func batch(_ rows: ArraySlice<ReferenceWorld.Row>) throws -> RowBatch {
        let vectors = columns.map { ColumnVector($0.type.physical) }
        for row in rows {
            if case .integer(let key)? = row.customer { vectors[0].append(key) } else { vectors[0].appendNull() }
            vectors[1].append(row.time)
        }
        for (place, definition) in columns.enumerated().dropFirst(2) {
            let values = rows.map { row in
                definition.name == "unrelated" ? .string("\(row.time)") : row.values[definition.name] ?? .null
            }
            try vectors[place].assign(values, ScalarType(definition.type))
        }
        return RowBatch(columns: vectors, rowCount: rows.count)
    }

    func run(_ statement: Statement, threads: Int) throws -> QueryResult {
        let options = EngineOptions(threads: threads, memoryBudgetBytes: 1 << 28) { "\($0)" }
        return try Engine.run(statement, snapshot: try core.snapshot(), options: options, control: nil)
    }
}

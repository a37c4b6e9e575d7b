import DukkanFormat
import DukkanLanguage
import DukkanQuery
import DukkanStorage

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A store of a few rows, which statements are asked of.
final class FuzzStore: Sendable {
    /// Made when the first statement comes.
    static let shared = Result { try FuzzStore() }

    private let core: StoreCore
    private let snapshot: Snapshot
    private let options: EngineOptions

    private init() throws {
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(place)/dukkan-fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FuzzFailure("no temporary directory") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { FuzzStore.remove(path) }
        core = try StoreCore.create(
            path: path + "/store",
            options: StoreOptions(memoryBudgetBytes: 32 << 20, threads: 1, automaticCompaction: false))
        for table in FuzzStore.tables { try core.createTable(table) }
        try core.commit()
        for part in 0..<2 {
            for (number, table) in FuzzStore.tables.enumerated() {
                try core.append(table: table.name, FuzzStore.rows(of: table, number, part))
            }
            try core.commit()
        }
        try core.defineSegment(name: "buyers", text: "count(orders) > 0")
        try core.commit()
        // The snapshot holds the files open when their names are gone.
        snapshot = try core.snapshot()
        options = EngineOptions(
            threads: 1, memoryBudgetBytes: 8 << 20,
            segments: ["buyers": try Parser.parseSegmentCondition("count(orders) > 0")],
            title: { $0.canonicalText }, segmentTitle: { $0.canonicalText(inSegment: true) })
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

    private static let tables = ["e", "orders", "far"].map { name in
        TableSchema(
            name,
            columns: [
                ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("ts", .timestamp, role: .time),
                ColumnDefinition("event", .string), ColumnDefinition("i", .int),
                ColumnDefinition("d", .decimal(scale: 2)), ColumnDefinition("f", .double),
                ColumnDefinition("b", .bool), ColumnDefinition("day", .date),
            ], allowsNullCustomer: true)
    }

    private static let day: Int64 = 86_400_000_000

    /// Rows with the values that arithmetic stumbles over among them.
    private static func rows(of table: TableSchema, _ number: Int, _ part: Int) -> RowBatch {
        let vectors = table.columns.map { ColumnVector($0.type.physical) }
        vectors[2].dictionary = StringDictionary(["view", "cart", "order", "%_", ""])
        let extremes: [Int64] = [.max, .min, 0, -1, 7, .max - 1, 1_000, 2]
        let doubles = [0.5, -0.0, .infinity, .nan, 1e308, -1e308, 3.25]
        for row in 0..<14 {
            let place = row * 2 + part
            if place % 9 == 8 { vectors[0].appendNull() } else { vectors[0].append(Int64(place % 5)) }
            // The third table has the times and dates that no calendar goes to.
            let isFar = number == 2 && place % 3 == 0
            let time = 1_735_689_600_000_000 + Int64(place * (number + 1)) * FuzzStore.day / 2
            vectors[1].append(isFar ? extremes[place % extremes.count] : time)
            if place % 6 == 5 { vectors[2].appendNull() } else { vectors[2].append(code: UInt32(place % 5)) }
            if place % 7 == 6 { vectors[3].appendNull() } else { vectors[3].append(extremes[place % extremes.count]) }
            if place % 7 == 5 { vectors[4].appendNull() } else { vectors[4].append(Int64(place * 125)) }
            if place % 7 == 4 { vectors[5].appendNull() } else { vectors[5].append(doubles[place % doubles.count]) }
            vectors[6].append(Int64(place & 1))
            vectors[7].append(isFar ? extremes[place % extremes.count] : 20_089 + Int64(place))
        }
        return RowBatch(columns: vectors, rowCount: 14)
    }

    /// Plans a query, and answers it where that is asked for.
    func ask(_ parsed: ParsedStatement, isAnswered: Bool) throws {
        var query = parsed.statement
        if case .explain(_, let inner) = query { query = inner }
        guard query.options != nil else { return }
        do {
            if isAnswered {
                let result = try Engine.run(query, snapshot: snapshot, options: options, control: nil)
                let isEven = result.rows.allSatisfy { $0.count == result.columns.count }
                try FuzzFailure.require(isEven, "a row of another width: \(query.canonicalText)")
            } else {
                _ = try Engine.explain(query, analyze: false, snapshot: snapshot, options: options, control: nil)
            }
        } catch let error as DukkanError {
            let placed = parsed.placed(error)
            try FuzzFailure.require(
                !placed.message.isEmpty && !placed.rendered(in: parsed.source).isEmpty, "no message")
            try FuzzFailure.require(placed.code != .corrupt, "a sound store is called corrupt: \(placed)")
        }
    }
}

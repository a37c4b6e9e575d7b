import DukkanFormat
import DukkanStorage
import DukkanTime
import Testing

@testable import DukkanIngest

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The directory of public data sets, which is not part of the package: `DUKKAN_SHARED`, or `shared` beside it.
enum SharedData {
    static let directory: String? = {
        if let told = getenv("DUKKAN_SHARED") { return String(cString: told) + "/data" }
        var root = #filePath
        for _ in 0..<6 {
            guard let slash = root.lastIndex(of: "/") else { return nil }
            root = String(root[..<slash])
            if access(root + "/shared/data", R_OK) == 0 { return root + "/shared/data" }
        }
        return nil
    }()
}

/// Sums over all rows, in constant memory.
private final class SummingTarget: ImportTarget {
    let schema: TableSchema
    var rows = 0
    var sums: [String: Int128] = [:]
    var products: Int128 = 0
    var customers: Set<Int64> = []
    var firstTime = Int64.max, lastTime = Int64.min

    init(_ schema: TableSchema) { self.schema = schema }
    func schema(of table: String) throws -> TableSchema { schema }
    func addColumn(table: String, _ column: ColumnDefinition) throws {}
    func commit(control: WorkControl?) throws {}
    func rollback() throws {}

    func append(table: String, _ batch: RowBatch) throws {
        rows += batch.rowCount
        for (column, vector) in zip(schema.columns, batch.columns) where vector.kind == .integers {
            for row in 0..<batch.rowCount { sums[column.name, default: 0] += Int128(vector.integers[row]) }
        }
        if let quantity = schema.column(named: "Quantity"), let price = schema.column(named: "UnitPrice") {
            for row in 0..<batch.rowCount {
                products += Int128(batch.columns[quantity].integers[row]) * Int128(batch.columns[price].integers[row])
            }
        }
        let customer = batch.columns[schema.customerColumn], time = batch.columns[schema.timeColumn]
        for row in 0..<batch.rowCount {
            if customer.isValid(row) { customers.insert(customer.integers[row]) }
            firstTime = min(firstTime, time.integers[row])
            lastTime = max(lastTime, time.integers[row])
        }
    }
}

@Suite(.enabled(if: SharedData.directory != nil, "the public data sets are not here: set DUKKAN_SHARED"))
struct RealDataTests {
    private func load(_ file: String, _ change: (inout ImportOptions) -> Void = { _ in }) throws -> (
        SummingTarget, ImportReport
    ) {
        let path = try #require(SharedData.directory) + "/" + file
        var options = ImportOptions()
        change(&options)
        let probe = Importer(
            target: SummingTarget(TableSchema("t", columns: [])), inputs: [ImportInput(path: path)], options: options)
        let table = try #require(try probe.inferSchema(table: "t").table)
        let target = SummingTarget(table)
        let report = try Importer(target: target, inputs: [ImportInput(path: path)], options: options).run(into: "t")
        return (target, report)
    }

    @Test func onlineRetail() throws {
        let (target, report) = try load("online_retail_2010_2011.csv.gz") { $0.anonymousRows = .keep }
        #expect(report.rowsImported == 541_909 && target.rows == 541_909)
        #expect(target.customers.count == 4_372)
        #expect(
            target.schema.columns.map(\.type) == [
                .string, .string, .string, .int, .timestamp, .decimal(scale: 3), .int, .string,
            ])
        #expect(target.products == 9_747_747_934)
        #expect(Timestamp(microseconds: target.firstTime).description == "2010-12-01T08:26:00Z")
        #expect(Timestamp(microseconds: target.lastTime).description == "2011-12-09T12:50:00Z")
        let (named, dropped) = try load("online_retail_2010_2011.csv.gz") { $0.anonymousRows = .drop }
        #expect(dropped.rowsDropped == 135_080 && named.rows == 406_829)
    }

    @Test func cdnowMaster() throws {
        let (target, report) = try load("CDNOW_master.txt")
        #expect(report.rowsImported == 69_659 && target.customers.count == 23_570)
        #expect(target.schema.columns.map(\.type) == [.int, .timestamp, .int, .decimal(scale: 2)])
        #expect(target.sums["dollar_value"] == 250_031_563)
    }

    @Test func cdnowSample() throws {
        let (target, report) = try load("CDNOW_sample.txt") {
            $0.columnNames = ["master_id", "customer_id", "date", "cds", "dollars"]
        }
        #expect(report.rowsImported == 6_919 && target.customers.count == 2_357)
        #expect(target.sums["dollars"] == 24_409_194)
        #expect(target.schema.columns[target.schema.customerColumn].name == "customer_id")
    }
}

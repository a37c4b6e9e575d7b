import DukkanFormat
package import DukkanStorage
import DukkanTime

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reads text files into a table of a store.
///
/// Belongs to one thread; the reading itself uses as many as the options say.
package final class Importer {
    let target: any ImportTarget
    let inputs: [ImportInput]
    private(set) var options: ImportOptions

    package init(target: any ImportTarget, inputs: [ImportInput], options: ImportOptions) {
        self.target = target
        self.inputs = inputs
        self.options = options
    }

    /// Imports all inputs into a table that exists, and commits.
    ///
    /// When it throws, everything since the last commit of the store is rolled back: no row of any input is stored.
    package func run(into table: String, control: WorkControl? = nil) throws -> ImportReport {
        let start = ContinuousClock.now
        do {
            let rejects = try options.rejectsPath.map { path throws(DukkanError) in try RejectsFile(path: path) }
            let run = ImportRun(table: table, target: target, rejects: rejects, control: control)
            run.bytesTotal = try totalBytes()
            for input in inputs { try importOne(input, run) }
            try rejects?.flush()
            try control?.check()
            try target.commit(control: control)
            finish(run)
            run.report.elapsed = .now - start
            return run.report
        } catch {
            try? target.rollback()
            throw error
        }
    }

    /// Reads times of a column as they were found to be written, unless the options say how.
    func adopt(_ format: TimeFormat?, forColumn name: String) {
        guard let format, format != .automatic, options.timeFormat(of: name) == .automatic else { return }
        options.timeFormats[name] = format
    }

    private func totalBytes() throws -> Int? {
        var total = 0
        for input in inputs {
            guard let count = try input.open(options.encoding).byteCount else { return nil }
            total += count
        }
        return total
    }

    private func importOne(_ input: ImportInput, _ run: ImportRun) throws {
        let source = try input.open(options.encoding)
        var schema = try target.schema(of: run.table)
        var dialect = try Dialect(examining: source, options: options, schema: schema)
        if dialect.isJSON {
            if options.addsColumns { try collectKeys(input, &dialect) }
            dialect.addKeys(of: schema, options: options)
        }
        var plan = try ImportPlan(schema: schema, dialect: dialect, options: options, file: source.name)
        if options.addsColumns, !plan.unknown.isEmpty || plan.hasUnknownMapping(dialect, options) {
            try addColumns(input, plan, dialect, run)
            schema = try target.schema(of: run.table)
            plan = try ImportPlan(schema: schema, dialect: dialect, options: options, file: source.name)
        }
        try plan.check(dialect: dialect, options: options, file: source.name)
        if options.anonymousRows == .keep, !schema.allowsNullCustomer {
            throw DukkanError(
                .invalidArgument, "table \(schema.name) does not allow rows without a customer",
                advice: "--anonymous drop leaves them out")
        }
        try Importer.skip(dialect.headerBytes, source)
        let reader = dialect.reader(source, chunkBytes: options.chunkBytes(plan, dialect))
        run.file = source.name
        run.line = 1 + dialect.headerLines
        let limit = futureLimit
        let works = try (0..<options.threadCount).map { _ in
            try ImportWork(plan: plan, dialect: dialect, options: options, futureLimit: limit, run: run)
        }
        try ChunkPipeline(reader: reader, works: works).run()
        run.bytesBefore += source.bytesConsumed
        run.report.bytesRead = run.bytesBefore
        run.report.ignoredColumns += plan.ignored.filter { !$0.isEmpty && !run.report.ignoredColumns.contains($0) }
    }

    /// Moves a source behind its header.
    static func skip(_ count: Int, _ source: InputSource) throws {
        var left = count
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, min(count, 1 << 16)), alignment: 16)
        defer { scratch.deallocate() }
        while left > 0 {
            let got = try source.read(into: .init(rebasing: scratch[..<min(left, scratch.count)]))
            if got == 0 { return }
            left -= got
        }
    }

    /// Rows later than this are reported: the present and one day.
    private var futureLimit: Int64 {
        let now: Int64
        if let told = options.now {
            now = told.microseconds
        } else {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            now = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        }
        return now + CivilCalendar.microsecondsPerDay
    }

    private func finish(_ run: ImportRun) {
        if run.report.rowsInFuture > 0 {
            let rows = run.report.rowsInFuture == 1 ? "1 row is" : "\(run.report.rowsInFuture) rows are"
            run.report.warnings.append(
                "\(rows) later than tomorrow, up to \(Timestamp(microseconds: run.latestTime))")
        }
        if run.report.rowsRejected > 0, let path = options.rejectsPath {
            run.report.warnings.append("\(run.report.rowsRejected) bad rows are set aside in \(path)")
        }
        if run.report.rowsRead == 0 { run.report.warnings.append("the input has no rows") }
    }
}

extension ImportOptions {
    /// Bytes of a chunk, so that all threads together stay within the memory allowed.
    ///
    /// A short row may fill a wide table with nulls: the more columns the table has for each field, the smaller the chunk.
    func chunkBytes(_ plan: ImportPlan, _ dialect: Dialect) -> Int {
        let fields = dialect.isJSON ? 4 : max(1, dialect.names.count)
        let spread = max(1, plan.schema.columns.count / (8 * fields))
        let share = workingBytesMax / (ImportOptions.workingBytesPerByte * threadCount * spread)
        return max(1, min(chunkBytes, max(share, 1 << 14)))
    }

    /// Threads to read rows with.
    var threadCount: Int {
        max(1, min(threads ?? Int(sysconf(CInt(_SC_NPROCESSORS_ONLN))), StoreOptions.threadsMax))
    }
}

extension Dialect {
    /// Makes all names of the table known, whether or not they are among the first rows.
    mutating func addKeys(of schema: TableSchema, options: ImportOptions) {
        var known = Set(names)
        for name in options.mappings.map(\.input) + options.ignoredColumns where known.insert(name).inserted {
            names.append(name)
        }
        let mapped = Set(options.mappings.map { $0.column.lowercased() })
        let filled = Set(names.compactMap { ImportPlan.column(for: $0, in: schema, options: options) })
        for (index, column) in schema.columns.enumerated()
        where !filled.contains(index) && !mapped.contains(column.name.lowercased())
            && known.insert(column.name).inserted
        {
            names.append(column.name)
        }
    }
}

extension ImportPlan {
    /// Whether a mapping names a column that the table lacks.
    func hasUnknownMapping(_ dialect: Dialect, _ options: ImportOptions) -> Bool {
        options.mappings.contains { schema.column(named: $0.column) == nil }
    }
}

import DukkanFormat
package import DukkanStorage

extension Importer {
    /// Looks through the first input and says what its columns are, and which table would hold it.
    ///
    /// A regular file is read whole; of a pipe the first bytes are looked at, and they will be imported all the same.
    package func inferSchema(table name: String, control: WorkControl? = nil) throws -> InferredSchema {
        guard let input = inputs.first else { throw DukkanError(.invalidArgument, "no file is named") }
        let source = try input.open(options.encoding)
        var dialect = try Dialect(examining: source, options: options, schema: nil)
        if dialect.isJSON { try collectKeys(input, &dialect) }
        let slots = dialect.names.indices.map(Int32.init)
        let (profiles, rows) = try profile(input, dialect, slots, control)
        let keepsZeros = dialect.format == .separated || dialect.isJSON
        var columns = zip(dialect.names, profiles).map { $1.inferred(name: $0, keepsZeros: keepsZeros) }
        for index in columns.indices {
            let told = options.timeFormat(of: columns[index].name)
            if told != .automatic, columns[index].timeFormat != nil { columns[index].timeFormat = told }
        }
        var inferred = InferredSchema(
            columns: columns, rowCount: rows, isWhole: source.isRereadable, format: dialect.format,
            separator: dialect.format == .separated ? Character(Unicode.Scalar(dialect.separator)) : nil,
            hasHeader: dialect.hasHeader, table: nil, notes: [])
        try TableGuess(options: options, profiles: profiles).apply(to: &inferred, table: name)
        if let table = inferred.table {
            let plan = try ImportPlan(schema: table, dialect: dialect, options: options, file: source.name)
            for (field, slot) in plan.slots.enumerated() where slot >= 0 {
                adopt(inferred.columns[field].timeFormat, forColumn: plan.columns[Int(slot)].name)
            }
        }
        return inferred
    }

    /// Adds the columns that the table lacks, typed as their values are.
    func addColumns(_ input: ImportInput, _ plan: ImportPlan, _ dialect: Dialect, _ run: ImportRun) throws {
        var slots = [Int32](repeating: -1, count: dialect.names.count)
        var fields = plan.unknown
        for mapping in options.mappings where plan.schema.column(named: mapping.column) == nil {
            guard let field = ImportPlan.field(mapping.input, in: dialect.names), !fields.contains(field) else {
                continue
            }
            fields.append(field)
        }
        fields.sort()
        for (slot, field) in fields.enumerated() { slots[field] = Int32(slot) }
        let (profiles, _) = try profile(input, dialect, slots, run.control)
        for (slot, field) in fields.enumerated() {
            let input = dialect.names[field]
            let mapping = options.mappings.first { ImportPlan.field($0.input, in: dialect.names) == field }
            let column = profiles[slot].inferred(
                name: mapping?.column ?? input, keepsZeros: dialect.format == .separated || dialect.isJSON)
            try target.addColumn(table: run.table, ColumnDefinition(column.name, column.type))
            adopt(column.timeFormat, forColumn: column.name)
            run.report.addedColumns.append(column)
        }
    }

    /// Adds the keys of JSON lines that do not occur among the first ones.
    func collectKeys(_ input: ImportInput, _ dialect: inout Dialect) throws {
        let source = try input.open(options.encoding)
        guard source.isRereadable else { return }
        let box = KeyBox(dialect.names)
        let works = (0..<options.threadCount).map { _ in KeyWork(names: dialect.names) { box.add($0) } }
        try ChunkPipeline(reader: dialect.reader(source, chunkBytes: options.chunkBytes), works: works).run()
        dialect.names = box.names
    }

    /// Looks through the columns that have a slot.
    private func profile(
        _ input: ImportInput, _ dialect: Dialect, _ slots: [Int32], _ control: WorkControl?
    ) throws -> ([ColumnProfile], rows: Int) {
        let held = try input.open(options.encoding)
        let source: InputSource
        if held.isRereadable {
            source = held
        } else {
            // Whole rows of what was read ahead.
            var sample = try held.peek(options.sampleBytes)
            if sample.count == options.sampleBytes, let end = sample.lastIndex(of: 10) {
                sample.removeSubrange((end + 1)...)
            }
            source = try InputSource(bytes: sample, name: held.name)
        }
        try Importer.skip(dialect.headerBytes, source)
        let works = (0..<options.threadCount).map { _ in
            ProfileWork(dialect: dialect, slots: slots, options: options) { try control?.check() }
        }
        try ChunkPipeline(reader: dialect.reader(source, chunkBytes: options.chunkBytes), works: works).run()
        var profiles = works[0].profiles
        for work in works.dropFirst() {
            for slot in profiles.indices { profiles[slot].merge(work.profiles[slot]) }
        }
        return (profiles, works.reduce(0) { $0 + $1.rowCount })
    }

    /// Names in order of appearance; filled by the thread whose turn it is.
    private final class KeyBox {
        var names: [String]
        private var known: Set<String>

        init(_ names: [String]) {
            self.names = names
            known = Set(names)
        }

        func add(_ keys: [String]) {
            for key in keys where known.insert(key).inserted { names.append(key) }
        }
    }
}

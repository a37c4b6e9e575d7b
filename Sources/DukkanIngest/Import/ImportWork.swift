import DukkanFormat
import DukkanStorage

/// One thread's part of an import: rows of a chunk to a batch.
final class ImportWork: ChunkWork {
    private let plan: ImportPlan
    private let run: ImportRun
    private let tokenizer: any RowTokenizer
    private let tile: FieldTile
    private let parsers: [ColumnParser]
    /// Takes the good rows of a chunk that has others.
    private let sifted: [ColumnVector]
    /// For columns without a field.
    private var absent: [ColumnVector] = []
    private let anonymousRows: ImportOptions.AnonymousRows
    private let futureLimit: Int64
    private var parsed = ParsedRows(batch: RowBatch(columns: [], rowCount: 0), faults: RowFaults())

    init(plan: ImportPlan, dialect: Dialect, options: ImportOptions, futureLimit: Int64, run: ImportRun) throws {
        self.plan = plan
        self.run = run
        self.futureLimit = futureLimit
        anonymousRows = options.anonymousRows
        tokenizer = dialect.tokenizer(slots: plan.slots)
        tile = FieldTile(slotCount: plan.columns.count)
        parsers = try plan.columns.map { try ColumnParser($0, anonymousRows: options.anonymousRows) }
        sifted = plan.columns.map { ColumnVector($0.type.physical) }
        absent = plan.schema.columns.map { ColumnVector($0.type.physical) }
    }

    func process(_ chunk: Chunk) throws {
        var faults = RowFaults()
        for parser in parsers { parser.begin() }
        tokenizer.begin(chunk)
        tile.firstRow = 0
        tile.rowCount = 0
        while true {
            tokenizer.fill(tile, chunk, &faults)
            if tile.rowCount == 0 { break }
            for parser in parsers { parser.parse(tile, chunk, &faults) }
            tile.advance()
        }
        for parser in parsers { parser.finish() }
        let rows = tile.firstRow
        parsed = ParsedRows(batch: RowBatch(columns: [], rowCount: 0), faults: faults, rowsRead: rows)
        parsed.newlineCount = chunk.newlines(0, chunk.count)
        makeBatch(rows, faults)
        noteTimes()
    }

    func deliver(_ chunk: Chunk) throws { try run.deliver(chunk, parsed) }

    /// The good rows in the order of the schema's columns.
    private func makeBatch(_ rows: Int, _ faults: RowFaults) {
        var vectors = parsers.map(\.vector)
        var kept = rows
        let isDropping = anonymousRows == .drop && vectors[customerSlot].hasNulls
        if !faults.isEmpty || isDropping {
            let customers = vectors[customerSlot]
            var order: [UInt32] = []
            order.reserveCapacity(rows)
            for row in 0..<rows where !faults.contains(row: row) {
                if isDropping, !customers.isValid(row) { parsed.rowsDropped += 1 } else { order.append(UInt32(row)) }
            }
            kept = order.count
            order.withUnsafeBufferPointer { order in
                for (slot, vector) in vectors.enumerated() {
                    sifted[slot].removeAll()
                    sifted[slot].dictionary = vector.dictionary
                    sifted[slot].appendGather(vector, order)
                }
            }
            vectors = sifted
        }
        parsed.batch.rowCount = kept
        parsed.batch.columns = plan.schema.columns.indices.map { column in
            if let slot = plan.slotByColumn[column] { return vectors[slot] }
            absent[column].fillNulls(kept)
            absent[column].dictionary = .empty
            return absent[column]
        }
    }

    private var customerSlot: Int { plan.slotByColumn[plan.schema.customerColumn] ?? 0 }

    private func noteTimes() {
        guard parsed.batch.rowCount > 0 else { return }
        let times = parsed.batch.columns[plan.schema.timeColumn].integers
        var latest = Int64.min, future = 0
        for row in 0..<parsed.batch.rowCount {
            latest = max(latest, times[row])
            future += times[row] > futureLimit ? 1 : 0
        }
        parsed.latestTime = latest
        parsed.rowsInFuture = future
    }
}

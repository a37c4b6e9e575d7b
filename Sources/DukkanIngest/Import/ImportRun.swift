import DukkanFormat
import DukkanStorage
import DukkanTime

/// What the threads of one import share; touched only by the thread whose turn it is.
final class ImportRun {
    let table: String
    let target: any ImportTarget
    let rejects: RejectsFile?
    let control: WorkControl?
    var report = ImportReport()
    /// Name of the current input, and the line on which its next chunk begins.
    var file = ""
    var line = 1
    /// Bytes of inputs that are done, and of all inputs where that is known.
    var bytesBefore = 0
    var bytesTotal: Int?
    var latestTime = Int64.min

    init(table: String, target: any ImportTarget, rejects: RejectsFile?, control: WorkControl?) {
        self.table = table
        self.target = target
        self.rejects = rejects
        self.control = control
    }

    /// Takes a parsed chunk: faults first, then rows.
    func deliver(_ chunk: Chunk, _ parsed: ParsedRows) throws {
        try control?.check()
        if !parsed.faults.isEmpty { try settle(parsed.faults, chunk) }
        line += parsed.newlineCount
        report.rowsRead += parsed.rowsRead
        report.rowsDropped += parsed.rowsDropped
        report.rowsInFuture += parsed.rowsInFuture
        latestTime = max(latestTime, parsed.latestTime)
        if parsed.batch.rowCount > 0 {
            try target.append(table: table, parsed.batch)
            report.rowsImported += parsed.batch.rowCount
        }
        report.bytesRead = bytesBefore + chunk.inputBytes
        control?.report(
            .init(rowsDone: report.rowsRead, bytesDone: report.bytesRead, bytesTotal: bytesTotal))
    }

    /// Sets bad rows aside, or throws the first.
    private func settle(_ faults: RowFaults, _ chunk: Chunk) throws {
        var counted = 0, faultLine = line
        for fault in faults.sorted {
            faultLine += chunk.newlines(counted, fault.range.lowerBound)
            counted = fault.range.lowerBound
            guard let rejects else {
                throw DukkanError(
                    .invalidRow, fault.message,
                    place: .init(file: file, line: faultLine, column: fault.column), advice: fault.advice)
            }
            try rejects.add(
                file: file, line: faultLine, fault: fault,
                row: UnsafeBufferPointer(start: chunk.bytes + fault.range.lowerBound, count: fault.range.count))
            report.rowsRejected += 1
        }
    }
}

/// What became of the rows of one chunk.
struct ParsedRows {
    var batch: RowBatch
    var faults: RowFaults
    var rowsRead = 0
    var rowsDropped = 0
    var rowsInFuture = 0
    var newlineCount = 0
    var latestTime = Int64.min
}

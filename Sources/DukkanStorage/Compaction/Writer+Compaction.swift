import DukkanFormat

/// What a compaction did.
package struct CompactionReport: Sendable, Hashable {
    package var partsBefore = 0
    package var partsAfter = 0
    package var rowsWritten = 0
    package var bytesWritten = 0
    package var bytesBefore = 0
    package var bytesAfter = 0
}

extension Writer {
    func keepPartsWithinLimit(control: WorkControl?) throws {
    }

    func compactAfterCommit(control: WorkControl?) {
    }

    func compact(table: String?, control: WorkControl?) throws -> CompactionReport {
        CompactionReport()
    }
}

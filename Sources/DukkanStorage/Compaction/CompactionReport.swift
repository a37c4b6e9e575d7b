/// What a compaction did.
package struct CompactionReport: Sendable, Equatable {
    /// Parts of the tables asked for, before and after.
    package var partsBefore = 0
    package var partsAfter = 0
    package var rowsWritten = 0
    package var bytesWritten = 0
    /// Bytes of the parts of the tables asked for, before and after.
    package var bytesBefore = 0
    package var bytesAfter = 0
}

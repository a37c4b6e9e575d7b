import DukkanFormat

/// Reads blocks of parts into a buffer that it keeps, and counts.
///
/// One for each thread.
package final class BlockReader: @unchecked Sendable {  // Sendable: handed from thread to thread, never shared.
    package var bytesRead = 0
    package var blocksDecoded = 0
    /// Counted by the scan.
    package var rowsScanned = 0
    /// What is measured besides; nil: nothing.
    package let meter: WorkMeter?
    /// Tells the meter that a block's checksum holds.
    let onCheck: (() -> Void)?
    /// What blocks of the row block that was read last refer to.
    let references = ReferenceCache()
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

    package init(meter: WorkMeter? = nil) {
        self.meter = meter
        onCheck = meter.map { meter in { meter.endCheck() } }
    }

    deinit {
        buffer.deallocate()
    }

    /// Reads the bytes of a block and decodes them; a failure names file and place.
    func read<Result>(
        _ file: PartFile, _ location: PartFooter.BlockLocation,
        _ decode: (UnsafeRawBufferPointer) throws -> Result, place: () -> DukkanError.Place
    ) throws -> Result {
        if buffer.count < location.byteCount {
            buffer.deallocate()
            let size = max(location.byteCount, 1 << 16)
            buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size + size / 2, alignment: 64)
        }
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<location.byteCount])
        do {
            meter?.beginRead(file, place().column ?? "")
            try file.read(into: bytes, at: location.offset)
            meter?.endRead(byteCount: location.byteCount, isDictionary: place().block == nil)
            bytesRead += location.byteCount
            blocksDecoded += 1
            return try decode(UnsafeRawBufferPointer(bytes))
        } catch var error as DukkanError {
            let known = place()
            error.place.file = error.place.file ?? file.path
            error.place.column = error.place.column ?? known.column
            error.place.block = error.place.block ?? known.block
            error.place.offset = error.place.offset ?? known.offset
            throw error
        }
    }
}

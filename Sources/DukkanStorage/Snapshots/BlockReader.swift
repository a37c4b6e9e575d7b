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
    /// What whoever reads now has found in memory already.
    var near: NearBlocks?
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

    /// Whether blocks come from the store's cache and go there.
    private let usesCache: Bool

    package init(meter: WorkMeter? = nil, usesCache: Bool = false) {
        self.meter = meter
        self.usesCache = usesCache
        onCheck = meter.map { meter in { meter.endCheck() } }
    }

    deinit {
        buffer.deallocate()
    }

    /// Reads the bytes of a block and decodes them; a failure names file and place.
    ///
    /// `decode` is told whether the block's checksum is known to hold.
    func read<Result>(
        _ file: PartFile, _ location: PartFooter.BlockLocation,
        _ decode: (UnsafeRawBufferPointer, Bool) throws -> Result, place: () -> DukkanError.Place
    ) throws -> Result {
        do {
            meter?.beginRead(file, place().column ?? "")
            let cached =
                usesCache
                ? near?.block(of: file, at: location.offset) ?? file.cachedBlock(at: location.offset) : nil
            // A file of bad faith may name two blocks at one place.
            if let cached, cached.bytes.count == location.byteCount {
                count(location, place)
                return try decode(UnsafeRawBufferPointer(cached.bytes), true)
            }
            let kept = usesCache ? BlockCache.Block(byteCount: location.byteCount) : nil
            let bytes = kept?.bytes ?? room(for: location.byteCount)
            try file.read(into: bytes, at: location.offset)
            count(location, place)
            let result = try decode(UnsafeRawBufferPointer(bytes), false)
            if let kept { file.cache(kept, at: location.offset) }
            return result
        } catch let error as DukkanError {
            throw BlockReader.located(error, file, place())
        }
    }

    /// An error with what is known of its place besides.
    private static func located(_ error: DukkanError, _ file: PartFile, _ known: DukkanError.Place) -> DukkanError {
        var error = error, place = error.place
        place.file = place.file ?? file.path
        place.column = place.column ?? known.column
        place.block = place.block ?? known.block
        place.offset = place.offset ?? known.offset
        error.place = place
        return error
    }

    /// A decoded dictionary that is kept in memory, counted as if it were read; nil where it must be read.
    func cachedDictionary(
        _ file: PartFile, _ location: PartFooter.BlockLocation, place: () -> DukkanError.Place
    ) -> StringDictionary? {
        guard usesCache, let strings = file.cachedDictionary(at: location.offset) else { return nil }
        meter?.beginRead(file, place().column ?? "")
        count(location, place)
        meter?.endDecode(rowCount: 0, byteCount: strings.byteCount)
        return strings
    }

    /// Keeps a decoded dictionary in memory, where blocks are kept too.
    func cache(_ strings: StringDictionary, _ file: PartFile, _ location: PartFooter.BlockLocation) {
        if usesCache { file.cache(strings, at: location.offset) }
    }

    private func count(_ location: PartFooter.BlockLocation, _ place: () -> DukkanError.Place) {
        meter?.endRead(byteCount: location.byteCount, isDictionary: place().block == nil)
        bytesRead += location.byteCount
        blocksDecoded += 1
    }

    private func room(for byteCount: Int) -> UnsafeMutableRawBufferPointer {
        if buffer.count < byteCount {
            buffer.deallocate()
            let size = max(byteCount, 1 << 16)
            buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size + size / 2, alignment: 64)
        }
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<byteCount])
    }
}

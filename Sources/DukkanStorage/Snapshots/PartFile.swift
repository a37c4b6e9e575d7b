import CDukkanKernels
package import DukkanFormat
import Synchronization

/// An open part: its descriptor and its footer.
///
/// The descriptor is closed when the last snapshot that names the part goes, so that a compaction may remove the file's
/// name at any time.
package final class PartFile: Sendable {
    package let path: String
    package let footer: PartFooter
    /// What is known of a part that is read for salvage; nil of one that is whole.
    let salvaged: SalvagedFooter?
    package let byteCount: Int
    private let descriptor: FileDescriptor
    private let fileSystem: any FileSystem
    private let blocks: BlockCache?
    /// Under which the cache holds the file's blocks.
    private let number: Int
    /// Models and dictionaries of columns that others refer to, by column; read when they are needed first.
    let columnDetails = Guarded([Int: ColumnDetails]())

    struct ColumnDetails: Sendable {
        var model: ColumnModel?
        var dictionary: StringDictionary?
    }

    /// Opens a part and reads its footer; nil if there is no file of that name.
    init?(path: String, entry: Manifest.Part, fileSystem: any FileSystem, blocks: BlockCache? = nil) throws {
        guard let descriptor = try fileSystem.openIfPresent(path) else { return nil }
        do {
            byteCount = try fileSystem.sizeOfFile(descriptor, path: path)
            footer = try PartFile.readFooter(
                descriptor, path: path, byteCount: byteCount, identifier: entry.identifier, fileSystem)
            try PartFile.compare(footer, entry, byteCount: byteCount)
        } catch {
            fileSystem.close(descriptor)
            throw (error as? DukkanError)?.inFile(path) ?? error
        }
        salvaged = nil
        self.path = path
        self.descriptor = descriptor
        self.fileSystem = fileSystem
        self.blocks = blocks
        number = blocks?.makeFileNumber() ?? 0
    }

    /// Opens a part of which little needs to be whole: its end may be missing, its footer damaged, and what a manifest
    /// says of it wrong.
    ///
    /// - Parameter entry: what the manifest says of it; nil where there is no manifest.
    init(salvaging path: String, entry: Manifest.Part?, fileSystem: any FileSystem) throws {
        let descriptor = try fileSystem.openFile(path, for: .reading)
        do {
            byteCount = try fileSystem.sizeOfFile(descriptor, path: path)
            let file = DamagedFile(
                descriptor: descriptor, path: path, byteCount: byteCount, fileSystem: fileSystem)
            let salvaged = try FooterSearch(file: file, entry: entry).footer()
            footer = salvaged.footer
            self.salvaged = salvaged
        } catch {
            fileSystem.close(descriptor)
            throw (error as? DukkanError)?.inFile(path) ?? error
        }
        self.path = path
        self.descriptor = descriptor
        self.fileSystem = fileSystem
        blocks = nil
        number = 0
    }

    deinit {
        blocks?.removeBlocks(ofFile: number)
        fileSystem.close(descriptor)
    }

    /// Reads bytes of a place into a buffer, which they fill.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        guard offset <= byteCount - buffer.count else {
            throw DukkanError(
                .corrupt, "the file ends at byte \(byteCount), before this does",
                place: .init(file: path, offset: offset))
        }
        try fileSystem.readFully(descriptor, into: buffer, at: offset, path: path)
    }

    /// A block that is in memory.
    func cachedBlock(at offset: Int) -> BlockCache.Block? {
        blocks?.block(file: number, offset: offset)
    }

    /// Bytes of a block that are brought near before it is read; the rest follows by itself once it is read in order.
    private static let nearByteCountMax = 1 << 13

    /// Looks for blocks in memory that will be read soon, and has their first bytes brought near.
    ///
    /// - Parameters:
    ///   - offsets: where the blocks lie.
    ///   - found: gets for each of them the block, or nil.
    func bringNear(_ offsets: [Int], into found: inout [BlockCache.Block?]) {
        guard let blocks else { return found.removeAll() }
        blocks.blocks(file: number, offsets: offsets, into: &found)
        for case let block? in found {
            dukkan_bring_near(block.bytes.baseAddress, min(block.bytes.count, PartFile.nearByteCountMax))
        }
    }

    /// Keeps a block whose checksum holds.
    func cache(_ block: BlockCache.Block, at offset: Int) {
        blocks?.insert(block, file: number, offset: offset)
    }

    /// A dictionary that is in memory, by the place of its block.
    func cachedDictionary(at offset: Int) -> StringDictionary? {
        blocks?.dictionary(file: number, offset: offset)
    }

    /// Keeps a dictionary decoded from a block whose checksum holds.
    func cache(_ dictionary: StringDictionary, at offset: Int) {
        blocks?.insert(dictionary, file: number, offset: offset)
    }

    private static func readFooter(
        _ descriptor: FileDescriptor, path: String, byteCount: Int, identifier: PartIdentifier,
        _ fileSystem: any FileSystem
    ) throws -> PartFooter {
        // Most footers lie within the last piece: one call of the system for trailer and footer together.
        let pieceByteCount = 1 << 14
        guard byteCount >= PartFooter.trailerByteCount + PartFooter.headerByteCount else {
            throw DukkanError(.corrupt, "a part of \(byteCount) bytes is too short")
        }
        let pieceStart = max(0, byteCount - pieceByteCount)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount - pieceStart, alignment: 64)
        defer { piece.deallocate() }
        try fileSystem.readFully(descriptor, into: piece, at: pieceStart, path: path)
        let trailer = UnsafeRawBufferPointer(rebasing: piece[(piece.count - PartFooter.trailerByteCount)...])
        let place = try PartFooter.place(trailer: trailer, fileByteCount: byteCount)
        let range = place.range
        if range.lowerBound >= pieceStart {
            let bytes = piece[(range.lowerBound - pieceStart)..<(range.upperBound - pieceStart)]
            return try PartFooter(
                parsing: UnsafeRawBufferPointer(rebasing: bytes), version: place.version, fileByteCount: byteCount,
                identifier: identifier)
        }
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 64)
        defer { whole.deallocate() }
        try fileSystem.readFully(descriptor, into: whole, at: range.lowerBound, path: path)
        return try PartFooter(
            parsing: UnsafeRawBufferPointer(whole), version: place.version, fileByteCount: byteCount,
            identifier: identifier)
    }

    /// What the manifest says of a part must be what its footer says.
    private static func compare(_ footer: PartFooter, _ entry: Manifest.Part, byteCount: Int) throws {
        guard byteCount == entry.byteCount else {
            throw DukkanError(.corrupt, "the part has \(byteCount) bytes, the manifest says \(entry.byteCount)")
        }
        guard footer.rowCount == entry.rowCount, footer.customerCount == entry.customerCount else {
            throw DukkanError(.corrupt, "the part and the manifest differ in the number of rows or customers")
        }
        guard let time = footer.columns.first(where: { $0.definition.role == .time }) else {
            throw DukkanError(.corrupt, "the part has no time column")
        }
        guard time.statistics.minimum == entry.minimumTime, time.statistics.maximum == entry.maximumTime else {
            throw DukkanError(.corrupt, "the part and the manifest differ in the times of the rows")
        }
    }
}

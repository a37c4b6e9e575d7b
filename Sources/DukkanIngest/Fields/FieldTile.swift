/// The fields of some consecutive rows: where their bytes are, column by column.
///
/// Owns raw memory that is filled again and again; belongs to one thread.
final class FieldTile {
    /// Most rows of one tile: small enough that the tile and the text it points to stay in the nearest caches.
    static let rowCapacity = 1_024
    /// Cells from one slot to the next.
    ///
    /// The cells of a row would all fall into one set of the nearest cache if this were a power of two.
    static let slotStride = rowCapacity + 16
    /// Set in `lengths` for fields that stood within quotes.
    static let quoted: UInt32 = 1 << 31
    /// Set in `lengths` for fields that are no value, whatever the text: a JSON null, a key that is not there.
    static let missing: UInt32 = 1 << 30
    static let lengthMask: UInt32 = 1 << 30 - 1

    /// Number of columns that are kept.
    let slotCount: Int
    /// Number of rows held.
    var rowCount = 0
    /// Number within the chunk of the first row held.
    var firstRow = 0
    /// Place in the chunk of row r of slot s at `s * slotStride + r`.
    let starts: UnsafeMutablePointer<UInt32>
    /// Bytes of that field, and the flags.
    let lengths: UnsafeMutablePointer<UInt32>
    /// Place in the chunk where the row begins, and where it ends without its newline.
    let rowStarts: UnsafeMutablePointer<UInt32>
    let rowEnds: UnsafeMutablePointer<UInt32>

    init(slotCount: Int) {
        self.slotCount = slotCount
        let cells = slotCount * FieldTile.slotStride + 1
        starts = .allocate(capacity: cells)
        lengths = .allocate(capacity: cells)
        starts.initialize(repeating: 0, count: cells)
        lengths.initialize(repeating: FieldTile.missing, count: cells)
        rowStarts = .allocate(capacity: FieldTile.rowCapacity)
        rowEnds = .allocate(capacity: FieldTile.rowCapacity)
    }

    deinit {
        starts.deallocate()
        lengths.deallocate()
        rowStarts.deallocate()
        rowEnds.deallocate()
    }

    /// Makes all fields of a row missing.
    func clearRow(_ row: Int) {
        for slot in 0..<slotCount {
            starts[slot * FieldTile.slotStride + row] = 0
            lengths[slot * FieldTile.slotStride + row] = FieldTile.missing
        }
    }

    /// Empties the tile for the rows after those held.
    func advance() {
        firstRow += rowCount
        rowCount = 0
    }
}

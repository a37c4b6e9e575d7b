import DukkanFormat

/// What column blocks of one row block are decoded from: shared bitmaps, the customers, and columns that others refer
/// to.
///
/// Several columns refer to the same, one behind the other, so the last row block's are kept.
final class ReferenceCache: @unchecked Sendable {  // Sendable: as the reader that owns it.
    let customers = CustomerBlock()
    var holdsCustomers = false
    private var bitmaps: [(bitmap: RowBitmap, isHeld: Bool)] = []
    private var columns: [(column: Int, vector: ColumnVector, isHeld: Bool)] = []
    /// A column of the row block that whoever reads has decoded already, while she reads another.
    var lent: (column: Int, vector: ColumnVector)?
    private var part: PartIdentifier?
    private var block = -1

    /// Forgets what belongs to another row block.
    func turn(to block: Int, of part: PartIdentifier) {
        if self.block == block && self.part == part { return }
        if self.part != part { columns.removeAll(keepingCapacity: true) }
        self.part = part
        self.block = block
        holdsCustomers = false
        for i in bitmaps.indices { bitmaps[i].isHeld = false }
        for i in columns.indices { columns[i].isHeld = false }
    }

    /// A shared bitmap, which `read` fills if it is not held.
    func bitmap(_ number: Int, _ read: (RowBitmap) throws -> Void) throws -> RowBitmap {
        while bitmaps.count <= number { bitmaps.append((RowBitmap(), false)) }
        if !bitmaps[number].isHeld {
            try read(bitmaps[number].bitmap)
            bitmaps[number].isHeld = true
        }
        return bitmaps[number].bitmap
    }

    /// The values of a column, which `read` fills in if they are not held.
    func column(_ column: Int, _ kind: PhysicalKind, _ read: (ColumnVector) throws -> Void) throws -> ColumnVector {
        if let lent, lent.column == column { return lent.vector }
        let place: Int
        if let known = columns.firstIndex(where: { $0.column == column }) {
            place = known
        } else {
            place = columns.count
            columns.append((column, ColumnVector(kind), false))
        }
        if !columns[place].isHeld {
            try read(columns[place].vector)
            columns[place].isHeld = true
        }
        return columns[place].vector
    }
}

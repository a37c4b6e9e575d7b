import DukkanFormat

/// The records of a run by piece, as plain pointers, good while no row is added.
final class RunPlaces {
    let pieces: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    let stride: Int

    init(_ run: RunBuffer) {
        pieces = .allocate(capacity: max(1, run.pieces.count))
        for (number, piece) in run.pieces.enumerated() {
            (pieces + number).initialize(to: UnsafePointer(piece.memory))
        }
        stride = run.layout.stride
    }

    deinit { pieces.deallocate() }
}

/// One column of a run, by row number.
///
/// Belongs to the run; any number of threads may read it.
struct RunColumn {
    private let places: RunPlaces
    private let pieces: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    private let stride: Int
    private let field: RecordField
    /// Byte and mask of the bit that tells of a value; the mask is 0 where all rows hold one.
    private let validByte: Int
    private let validMask: UInt8

    init(_ run: RunBuffer, _ places: RunPlaces, column: Int) {
        self.places = places
        pieces = places.pieces
        stride = places.stride
        field = RecordField(
            offset: run.layout.offsets[column], width: run.layout.widths[column],
            isCode: run.interners[column] != nil)
        let bit = run.hasNulls[column] ? run.layout.validBits[column] : nil
        validByte = bit?.byte ?? 0
        validMask = bit.map { 1 << UInt8($0.bit) } ?? 0
    }

    init(_ run: RunBuffer, column: Int) { self.init(run, RunPlaces(run), column: column) }

    @inline(__always)
    private func record(_ row: UInt32) -> UnsafePointer<UInt8> {
        pieces[Int(row) >> RunBuffer.pieceShift]! + (Int(row) & (RunBuffer.pieceRowCount - 1)) &* stride
    }

    /// The value of a row; 0 for null.
    @inline(__always)
    subscript(row: UInt32) -> Int64 { field.value(record(row)) }

    @inline(__always)
    func isValid(_ row: UInt32) -> Bool { validMask == 0 || record(row)[validByte] & validMask != 0 }
}

/// Numbers of rows, in memory that a loop can write to without asking for exclusive access.
///
/// The owner deallocates it. Each row is appended once at most.
struct RowList {
    private let numbers: UnsafeMutablePointer<UInt32>
    private let length: UnsafeMutablePointer<Int>

    init(capacity: Int) {
        numbers = .allocate(capacity: capacity)
        length = .allocate(capacity: 1)
        length.initialize(to: 0)
    }

    func deallocate() {
        numbers.deallocate()
        length.deallocate()
    }

    var isEmpty: Bool { length.pointee == 0 }
    var rows: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(start: numbers, count: length.pointee) }

    @inline(__always)
    func append(_ row: Int) {
        numbers[length.pointee] = UInt32(truncatingIfNeeded: row)
        length.pointee += 1
    }

    func removeAll() { length.pointee = 0 }
}

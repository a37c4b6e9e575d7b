import DukkanFormat

/// Raw memory that grows: what kernels append to without the checks and the uniqueness tests of an array.
///
/// Holds trivial values only. Whoever contains one frees it with ``deallocate()``.
struct GrowableBuffer<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    var count = 0

    init(capacity: Int = 16) {
        self.capacity = max(capacity, 1)
        base = KeptMemory.allocate(self.capacity)
    }

    func deallocate() {
        KeptMemory.release(base, capacity)
    }

    /// Makes room for `minimum` elements and keeps those held.
    @inline(__always)
    mutating func reserve(_ minimum: Int) {
        if minimum > capacity { grow(minimum) }
    }

    @inline(never)
    private mutating func grow(_ minimum: Int) {
        let grown = max(minimum, capacity * 2)
        let memory: UnsafeMutablePointer<Element> = KeptMemory.allocate(grown)
        memory.update(from: base, count: count)
        KeptMemory.release(base, capacity)
        base = memory
        capacity = grown
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        reserve(count + 1)
        base[count] = element
        count += 1
    }

    mutating func append(_ other: GrowableBuffer) {
        reserve(count + other.count)
        (base + count).update(from: other.base, count: other.count)
        count += other.count
    }
}

extension UnsafeBufferPointer where Element: BitwiseCopyable {
    /// The elements of a buffer, borrowed.
    init(_ buffer: GrowableBuffer<Element>) {
        self.init(start: buffer.base, count: buffer.count)
    }
}

/// A fixed number of growable buffers side by side.
struct BufferRow<Element: BitwiseCopyable> {
    let base: UnsafeMutablePointer<GrowableBuffer<Element>>
    let count: Int

    init(count: Int) {
        self.count = count
        base = UnsafeMutablePointer<GrowableBuffer<Element>>.allocate(capacity: max(count, 1))
        for i in 0..<count { (base + i).initialize(to: GrowableBuffer(capacity: 64)) }
    }

    func deallocate() {
        for i in 0..<count { base[i].deallocate() }
        base.deallocate()
    }
}

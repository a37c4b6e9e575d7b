import DukkanFormat

/// The time windows of compacted parts.
enum TimeWindows {
    /// Rows that a window is meant to have.
    static let rowCountTarget = 32_000_000
    /// Rows from which on a part closes the window that it is in.
    static let rowCountFull = 24_000_000
    /// Rows above which a window is cut.
    static let rowCountMax = 48_000_000

    /// Number of the window that a time lies in: how many borders are not after it.
    static func window(of time: Int64, _ borders: [Int64]) -> Int {
        var low = 0, high = borders.count
        while low < high {
            let middle = (low + high) / 2
            if borders[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The windows that a part touches.
    static func windows(of part: Manifest.Part, _ borders: [Int64]) -> ClosedRange<Int> {
        window(of: part.minimumTime, borders)...window(of: part.maximumTime, borders)
    }
}

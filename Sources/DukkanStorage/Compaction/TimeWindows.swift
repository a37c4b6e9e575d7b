import DukkanFormat

/// The time windows of compacted parts, and how large they are.
struct TimeWindows {
    /// Rows that a window is meant to have.
    var rowCountTarget: Int

    /// Rows from which on a part closes the window that it is in.
    var rowCountFull: Int { rowCountTarget / 4 * 3 }
    /// Rows above which a window is cut.
    var rowCountMax: Int { rowCountTarget / 2 * 3 }

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

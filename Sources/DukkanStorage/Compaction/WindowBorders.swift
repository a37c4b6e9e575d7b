import DukkanFormat

/// Finds the times at which the output of a merge is cut.
struct WindowBorders {
    let schema: TableSchema
    let parts: [PartHandle]
    let windows: TimeWindows

    /// Row blocks whose times are looked at.
    private static let sampleBlockCountMax = 64

    /// The borders of a table after this merge: those it has, and more where a window would have too many rows.
    func borders(existing: [Int64]) throws -> [Int64] {
        let rowCount = parts.reduce(0) { $0 + $1.liveRowCount }
        guard rowCount > windows.rowCountMax else { return existing }
        let sample = try sampledTimes()
        guard !sample.isEmpty else { return existing }
        var borders = existing
        var start = 0
        for window in 0...existing.count {
            let end =
                window < existing.count ? sample.firstIndex { $0 >= existing[window] } ?? sample.count : sample.count
            defer { start = end }
            let rows = Int(Double(rowCount) * Double(end - start) / Double(sample.count))
            guard rows > windows.rowCountMax else { continue }
            let pieces = (rows + windows.rowCountTarget / 2) / windows.rowCountTarget
            for piece in 1..<max(2, pieces) { borders.append(sample[start + (end - start) * piece / pieces]) }
        }
        let distinct = Set(borders).ascending()
        return distinct.count <= Manifest.windowBorderCountMax ? distinct : existing
    }

    /// Times of rows in blocks spread over the parts, ascending.
    ///
    /// Blocks stand by customer, so each holds times of all of its part.
    private func sampledTimes() throws -> [Int64] {
        let blockCount = parts.reduce(0) { $0 + $1.footer.rowBlocks.count }
        let step = max(1, blockCount / WindowBorders.sampleBlockCountMax)
        let reader = BlockReader()
        let customers = CustomerBlock()
        let vector = ColumnVector(.integers)
        var times: [Int64] = []
        var number = 0
        for part in parts {
            guard let column = part.column(forSchemaColumn: schema.columns[schema.timeColumn].name) else { continue }
            for block in part.footer.rowBlocks.indices {
                defer { number += 1 }
                guard number % step == 0 else { continue }
                try part.readCustomers(block: block, into: customers, reader: reader)
                try part.readColumn(
                    column, block: block, customers: customers, dictionary: nil, into: vector, reader: reader)
                for row in stride(from: 0, to: vector.count, by: 16) { times.append(vector.integers[row]) }
            }
        }
        return times.ascending()
    }
}

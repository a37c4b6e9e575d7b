import DukkanFormat
package import DukkanQuery
import DukkanStorage

extension Store {
    /// How every column is written: `table, part, column, type, rows, encoding, bytes, bits_per_row, ratio`.
    ///
    /// `ratio` is the size of the values in memory (eight bytes each, four for the code of a string) to that in the file.
    /// Besides the columns there is a row for the directory of customers, the dictionaries of strings and the footer.
    ///
    /// Reads and checks every block. `part` limits it to one file, by name with or without its suffix.
    package func inspection(part: String? = nil) throws -> QueryResult {
        let snapshot = try core.snapshot()
        var result = QueryResult(
            columns: [
                .init("table", .string), .init("part", .string), .init("column", .string), .init("type", .string),
                .init("rows", .int), .init("encoding", .string), .init("bytes", .int), .init("bits_per_row", .double),
                .init("ratio", .double),
            ], rows: [])
        let reader = BlockReader()
        var names: [String] = []
        for table in snapshot.tables {
            for handle in table.parts {
                let file = handle.file.path.split(separator: "/").last.map(String.init) ?? handle.file.path
                let name = file.hasSuffix(".part") ? String(file.dropLast(5)) : file
                names.append(name)
                if let part, part != name && part != file { continue }
                try append(handle, table: table.schema.name, part: name, reader, to: &result)
            }
        }
        if let part, result.rows.isEmpty {
            throw DukkanError(
                .notFound, "there is no part \(part)", advice: NearestName.advice(for: part, among: names))
        }
        return result
    }

    private func append(
        _ handle: PartHandle, table: String, part: String, _ reader: BlockReader, to result: inout QueryResult
    ) throws {
        let footer = handle.footer
        var rest = handle.file.byteCount
        func add(_ column: String, _ type: String, _ encoding: String, bytes: Int, width: Int?) {
            rest -= bytes
            let rows = Double(max(1, footer.rowCount))
            let ratio = width.map { Value.double(Double($0) * rows / Double(max(1, bytes))) } ?? .null
            result.rows.append([
                .string(table), .string(part), .string(column), .string(type), .int(Int128(footer.rowCount)),
                .string(encoding), .int(Int128(bytes)), .double(Double(bytes) * 8 / rows), ratio,
            ])
        }
        for (index, column) in footer.columns.enumerated() {
            let type = column.definition.type
            if column.definition.role == .customer {
                let bytes = footer.rowBlocks.reduce(0) { $0 + $1.directory.byteCount }
                add(column.definition.name, type.description, "customer directory", bytes: bytes, width: 8)
                continue
            }
            var counts = [String: Int]()
            for block in column.blocks.indices {
                counts[try handle.outline(column: index, block: block, reader: reader), default: 0] += 1
            }
            let details = (column.dictionary?.byteCount ?? 0) + (column.model?.byteCount ?? 0)
            let bytes = column.blocks.reduce(details) { $0 + $1.location.byteCount }
            add(
                column.definition.name, type.description, Store.shares(counts), bytes: bytes,
                width: type.physical == .codes ? 4 : 8)
        }
        if footer.sharedBitmapCount > 0 {
            let bytes = footer.rowBlocks.reduce(0) { sum, block in
                block.bitmaps.reduce(sum) { $0 + ($1?.byteCount ?? 0) }
            }
            add("(shared bitmaps)", "", "", bytes: bytes, width: nil)
        }
        add("(header, footer)", "", "", bytes: rest, width: nil)
    }

    /// `for 90 %, constant 10 %`: the encodings of a column's blocks, the most frequent first.
    private static func shares(_ counts: [String: Int]) -> String {
        let total = counts.values.reduce(0, +)
        let ranked = Array(counts).inOrder { ($1.value, $0.key) < ($0.value, $1.key) }
        if ranked.count == 1 { return ranked[0].key }
        return ranked.map { "\($0.key) \(($0.value * 100 + total / 2) / total) %" }.joined(separator: ", ")
    }
}

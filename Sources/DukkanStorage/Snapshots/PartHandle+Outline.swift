import DukkanFormat

extension PartHandle {
    /// How a column is written in a row block, as `inspect` shows it.
    package func outline(column: Int, block: Int, reader: BlockReader) throws -> String {
        let location = footer.columns[column].blocks[block].location
        return try reader.read(file, location) { bytes, _ in
            try PartDecoder.outline(bytes, footer: footer, column: column, block: block)
        } place: {
            DukkanError.Place(
                column: footer.columns[column].definition.name, block: block, offset: location.offset)
        }
    }
}

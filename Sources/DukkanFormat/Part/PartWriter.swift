/// Writes the rows of a part, sorted by customer and time, as bytes to a sink.
package final class PartWriter {
    package init(
        columns: [ColumnDefinition], identifier: PartIdentifier, dictionaries: [StringDictionary?],
        options: PartOptions, sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        throw DukkanError(.invalidArgument, "not built yet")
    }

    package func append(_ rows: [ColumnVector]) throws {
    }

    package func finish() throws -> PartSummary {
        throw DukkanError(.invalidArgument, "not built yet")
    }
}

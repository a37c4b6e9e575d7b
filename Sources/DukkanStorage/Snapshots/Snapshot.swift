package import DukkanFormat
import Synchronization

/// One generation of a store, open for reading.
///
/// It never changes, and stays readable while the writer commits, compacts and removes files, for as long as someone
/// holds it.
package final class Snapshot: Sendable {
    package let manifest: Manifest
    package let tables: [TableSnapshot]

    init(manifest: Manifest, tables: [TableSnapshot]) {
        self.manifest = manifest
        self.tables = tables
    }

    package var generation: UInt64 { manifest.generation }
    /// `.int` or `.string`; nil before the first table is made.
    package var customerType: ColumnType? { manifest.customerType }
    package var segments: [(name: String, text: String)] { manifest.segments.map { ($0.name, $0.text) } }

    /// The table of a name, compared without regard to ASCII case.
    package func table(named name: String) -> TableSnapshot? {
        manifest.table(named: name).map { tables[$0] }
    }
}

/// One table of a snapshot.
package final class TableSnapshot: Sendable {
    package let schema: TableSchema
    /// In order of ingest: where parts overlap in time, the rows of a later part came later.
    package let parts: [PartHandle]
    /// Rows that are not deleted.
    package let rowCount: Int
    package let number: Int
    /// Unions of the parts' dictionaries by column, kept for the next query.
    private let unions = Guarded([Int: (inputs: [StringDictionary], union: DictionaryUnion)]())

    init(number: Int, schema: TableSchema, parts: [PartHandle]) {
        self.number = number
        self.schema = schema
        self.parts = parts
        rowCount = parts.reduce(0) { $0 + $1.liveRowCount }
    }

    /// The union of some parts' dictionaries of a column.
    ///
    /// - Parameters:
    ///   - column: place in the schema.
    ///   - dictionaries: those of the parts that have one.
    func union(ofColumn column: Int, _ dictionaries: [StringDictionary]) -> DictionaryUnion {
        let known = unions.withLock { $0[column] }
        if let known, known.inputs.elementsEqual(dictionaries, by: ===) { return known.union }
        let made = DictionaryUnion(dictionaries)
        // Of one part there is nothing to unite.
        if dictionaries.count > 1, made.byteCount <= TableSnapshot.keptUnionByteCountMax {
            unions.withLock { $0[column] = (dictionaries, made) }
        }
        return made
    }

    /// A union of more bytes is made anew for each query.
    private static let keptUnionByteCountMax = 1 << 22
}

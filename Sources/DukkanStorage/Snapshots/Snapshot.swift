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

    /// Orders of the parts' rows, of the last ways to cut the customers, kept for the next query.
    private let orders = Guarded([MergedOrders]())
    private let orderRoom: OrderRoom?

    /// - Parameters:
    ///   - number: the table's number.
    ///   - schema: the table's columns.
    ///   - parts: its parts in order of ingest.
    ///   - orderRoom: memory for orders of the parts' rows; nil where none are kept.
    init(number: Int, schema: TableSchema, parts: [PartHandle], orderRoom: OrderRoom?) {
        self.number = number
        self.orderRoom = orderRoom
        self.schema = schema
        self.parts = parts
        rowCount = parts.reduce(0) { $0 + $1.liveRowCount }
    }

    /// The same table in the next generation: with all that queries have found in it where nothing of it has changed, or
    /// a new one.
    ///
    /// Where orders have little room left it is a new one too, so that a table nobody asks any more does not keep it.
    ///
    /// - Parameters:
    ///   - previous: tables of the generation before.
    ///   - number: the table's number.
    ///   - schema: the table's columns.
    ///   - parts: its parts in order of ingest.
    ///   - orderRoom: memory for orders of the parts' rows; nil where none are kept.
    static func next(
        after previous: [TableSnapshot], number: Int, schema: TableSchema, parts: [PartHandle], orderRoom: OrderRoom?
    ) -> TableSnapshot {
        let before = previous.first { $0.number == number }
        if let before, before.schema == schema, before.orderRoom === orderRoom, orderRoom?.isShort != true,
            before.parts.elementsEqual(parts, by: { $0.isSame(as: $1) })
        {
            return before
        }
        return TableSnapshot(number: number, schema: schema, parts: parts, orderRoom: orderRoom)
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

    /// The orders of the rows of several parts in morsels, as far as queries before have found them; nil where none are
    /// kept.
    ///
    /// - Parameters:
    ///   - ranges: the morsels.
    ///   - pruned: for each part its row blocks that are left out.
    func mergedOrders(_ ranges: [CustomerRange], pruned: [[Bool]]) -> MergedOrders? {
        guard let orderRoom, parts.count > 1 else { return nil }
        // What has to go goes behind the lock.
        let (found, spare) = orders.withLock { held -> (MergedOrders, MergedOrders?) in
            var spare: MergedOrders?
            if let place = held.firstIndex(where: { $0.serves(ranges, pruned: pruned) }) {
                let found = held.remove(at: place)
                // It is about to need room: that of the one that was not asked for longest.
                if found.repeatedNow() {
                    let isFull = held.count(where: \.isRepeated) >= TableSnapshot.keptOrdersCountMax
                    if isFull || orderRoom.isShort, let oldest = held.firstIndex(where: \.isRepeated) {
                        spare = held.remove(at: oldest)
                    }
                }
                held.append(found)
                return (found, spare)
            }
            // Nothing is kept for those that were asked for once: they take nobody's room.
            if held.count(where: { !$0.isRepeated }) >= TableSnapshot.keptOrdersCountMax,
                let oldest = held.firstIndex(where: { !$0.isRepeated })
            {
                spare = held.remove(at: oldest)
            }
            let new = MergedOrders(ranges, pruned: pruned, room: orderRoom)
            held.append(new)
            return (new, spare)
        }
        _ = spare
        return found
    }

    /// Ways to cut the customers of a table whose orders are kept, and those that are remembered in case they come again.
    private static let keptOrdersCountMax = 4

    /// A union of more bytes is made anew for each query.
    private static let keptUnionByteCountMax = 1 << 22
}

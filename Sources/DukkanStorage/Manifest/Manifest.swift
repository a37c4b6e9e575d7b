package import DukkanFormat

/// One generation of a store: all tables and the files that hold their rows.
///
/// What a manifest file says.
package struct Manifest: Sendable, Equatable {
    package var generation: UInt64 = 0
    /// Random name of the store.
    package var store = PartIdentifier(high: 0, low: 0)
    /// Number of the next file of any kind.
    package var nextFile: UInt64 = 1
    /// Place in the order of ingest of the next part.
    package var nextOrder: UInt64 = 1
    package var nextTable = 1
    /// Type of every customer column; nil until the first table is made.
    package var customerType: ColumnType?
    package var segments: [Segment] = []
    package var tables: [Table] = []
    /// The erasures of customers, ascending by generation; of more than there may be, the newest.
    package var erasures: [Erasure] = []

    /// That customers were erased; never who.
    package struct Erasure: Sendable, Equatable {
        /// The first generation without them.
        package var generation: UInt64
        /// µs since 1970.
        package var time: Int64

        package init(generation: UInt64, time: Int64) {
            self.generation = generation
            self.time = time
        }
    }

    /// A named segment as text.
    package struct Segment: Sendable, Equatable {
        package var name: String
        package var text: String
    }

    package struct Table: Sendable, Equatable {
        package var number: Int
        package var schema: TableSchema
        /// Times that cut the compacted parts: window i holds times from `windowBorders[i - 1]` up to before
        /// `windowBorders[i]`, ascending.
        package var windowBorders: [Int64] = []
        /// In order of ingest.
        package var parts: [Part] = []
        package var deletions: [Deletion] = []
    }

    package struct Part: Sendable, Equatable {
        package var file: UInt64
        package var identifier: PartIdentifier
        /// The places in the order of ingest that this part's rows cover.
        ///
        /// Parts whose times overlap have ranges that do not, so that equal (customer, time) resolve by the range.
        package var firstOrder: UInt64
        package var lastOrder: UInt64
        package var rowCount: Int
        package var customerCount: Int
        package var byteCount: Int
        package var minimumTime: Int64
        package var maximumTime: Int64
        /// Written with the effort of a compaction on demand.
        package var isThorough: Bool
        /// Each string of its dictionaries is one that a row of it has; not known of parts that manifests of version 1
        /// name.
        package var isExact: Bool = true
    }

    /// A file that names deleted rows of parts.
    package struct Deletion: Sendable, Equatable {
        package var file: UInt64
        package var identifier: PartIdentifier
        package var rowCount: Int
        package var byteCount: Int
    }

    /// Most parts in all tables together.
    package static let partCountMax = 256
    /// Most tables.
    package static let tableCountMax = 128
    /// Most deletion files of one table.
    package static let deletionCountMax = 256
    /// Most named segments.
    package static let segmentCountMax = 10_000
    /// Longest text of a segment, in bytes.
    package static let segmentByteCountMax = 1 << 20
    /// Most window borders of one table.
    package static let windowBorderCountMax = 1_024
    /// Most erasures that are remembered.
    package static let erasureCountMax = 1_000
    /// Largest manifest file, in bytes.
    package static let byteCountMax = 1 << 28

    package var partCount: Int { tables.reduce(0) { $0 + $1.parts.count } }

    /// Place of the table of a name, compared without regard to ASCII case.
    package func table(named name: String) -> Int? {
        let lower = name.lowercased()
        return tables.firstIndex { $0.schema.name.lowercased() == lower }
    }
}

extension Manifest.Part {
    package var order: ClosedRange<UInt64> { firstOrder...lastOrder }
    /// Times of the rows; a part has at least one.
    package var times: ClosedRange<Int64> { minimumTime...maximumTime }

    /// The order in which a table lists its parts.
    static func precedes(_ a: Manifest.Part, _ b: Manifest.Part) -> Bool {
        (a.firstOrder, a.minimumTime, a.file) < (b.firstOrder, b.minimumTime, b.file)
    }
}

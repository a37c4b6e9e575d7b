package import DukkanFormat

/// What an erasure did; it names no customer.
package struct ErasureReport: Sendable, Equatable {
    /// Identifier of the store.
    package var store: PartIdentifier
    /// µs since 1970.
    package var time: Int64
    /// The generation from which on the customers are gone.
    package var generation: UInt64
    package var customersAsked = 0
    /// Customers asked for that had rows in any file, replaced rows among them.
    package var customersFound = 0
    package var tables: [Table] = []
    /// Bytes of the files that were written.
    package var bytesWritten = 0
    /// Copies that backups made of earlier generations, which may still have the customers.
    package var copies: [StoreCopy] = []
    /// Paths in the store's directory that are no files of a store; nobody has looked into them.
    package var notExamined: [String] = []

    package struct Table: Sendable, Equatable {
        package var name: String
        /// Rows that queries could see.
        package var rows = 0
        /// Rows that others had replaced already and that were still in files.
        package var replacedRows = 0
        /// Numbers of the files that were written anew, and of those that took their places.
        package var partsRewritten: [UInt64] = []
        package var partsWritten: [UInt64] = []
        /// Numbers of the files of which nothing was left.
        package var partsDropped: [UInt64] = []
        /// Numbers of the files that held no row of the customers, but strings that no row has.
        package var partsCleaned: [UInt64] = []

        var isChanged: Bool { !(partsRewritten.isEmpty && partsDropped.isEmpty && partsCleaned.isEmpty) }
    }

    package var rows: Int { tables.reduce(0) { $0 + $1.rows } }
}

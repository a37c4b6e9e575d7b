public import DukkanFormat
import DukkanLanguage
public import DukkanStorage
public import DukkanTime

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What an erasure did, for whoever has to prove it; it names no customer.
public struct ErasureReceipt: Sendable, Hashable {
    /// Identifier of the store, 32 hexadecimal digits.
    public var store: String
    /// When it was asked for.
    public var time: Timestamp
    /// The generation of the store from which on the customers are gone.
    public var generation: UInt64
    /// Different customers who were asked for.
    public var customersAsked: Int
    /// Of these, those who had rows.
    public var customersFound: Int
    /// What happened in each table.
    public var tables: [Table]
    /// Bytes of the files that took the places of old ones.
    public var bytesWritten: Int
    /// Backups of earlier generations: they may still have the customers until they are made anew.
    public var copies: [StoreCopyInformation]
    /// Paths in the store's directory that are no files of a store, which were left as they are.
    public var notExamined: [String]

    /// What an erasure did in one table.
    public struct Table: Sendable, Hashable {
        /// Name of the table.
        public var name: String
        /// Rows erased that queries could see.
        public var rows: Int
        /// Rows erased that later ones with the same unique key had replaced already.
        public var replacedRows: Int
        /// Numbers of the files that were written anew.
        public var partsRewritten: [UInt64]
        /// Numbers of the files that took their places.
        public var partsWritten: [UInt64]
        /// Numbers of the files of which nothing was left.
        public var partsDropped: [UInt64]
        /// Numbers of files of earlier releases that had none of the rows, but values that no row has.
        public var partsCleaned: [UInt64]
    }

    /// Rows erased that queries could see, of all tables.
    public var rows: Int { tables.reduce(0) { $0 + $1.rows } }

    init(_ report: ErasureReport) {
        store = report.store.description
        time = Timestamp(microseconds: report.time)
        generation = report.generation
        customersAsked = report.customersAsked
        customersFound = report.customersFound
        tables = report.tables.map {
            Table(
                name: $0.name, rows: $0.rows, replacedRows: $0.replacedRows, partsRewritten: $0.partsRewritten,
                partsWritten: $0.partsWritten, partsDropped: $0.partsDropped, partsCleaned: $0.partsCleaned)
        }
        bytesWritten = report.bytesWritten
        copies = report.copies.map { StoreCopyInformation($0, mayHoldErased: true) }
        notExamined = report.notExamined
    }
}

extension Store {
    /// Erases customers: when it returns, their rows, their keys and every value that only they had are in no file of the
    /// store, and no crash brings them back.
    ///
    /// Replaced rows, dictionaries, statistics, old files and what a crash has left are among it. All of it is one commit:
    /// whenever it ends before, everything has happened or nothing. Rows that are appended later, by an import that knows
    /// the customer still, are not kept out. There must be no open transaction.
    ///
    /// ```swift
    /// let receipt = try await store.erase(customers: [.string("c-4711")])
    /// for copy in receipt.copies { print("make a new backup at", copy.path) }
    /// ```
    ///
    /// What is not in the store's files is not erased: queries that are running and handles that are open keep the files
    /// that they read until they end; backups keep what they have until they are made anew; and the file system may keep the
    /// bytes of removed files until it needs the space.
    ///
    /// - Parameters:
    ///   - customers: their keys; those that the store does not have are fine.
    ///   - control: cancellation, deadline and progress.
    /// - Throws: `DukkanError` `invalidArgument` where a named segment names one of the customers, or for keys of another
    ///   type than the store's; then nothing has happened. `inputOutput`; `outcomeUnknown` as for a commit.
    @discardableResult
    public func erase(customers: [CustomerKey], control: WorkControl? = nil) throws -> ErasureReceipt {
        let columns = try core.snapshot().tables.map { $0.schema.columns[$0.schema.customerColumn].name }
        let report = try core.erase(
            customers: customers, time: Store.now.microseconds,
            isNamed: {
                CustomerMention.isFound(in: $0.text, keys: customers, columns: columns)
                    || CustomerMention.isFound(in: "'\($0.name)'", keys: customers, columns: columns)
            }, control: control)
        return ErasureReceipt(report)
    }

    /// Erases customers, without blocking the caller's executor.
    @discardableResult
    public func erase(customers: [CustomerKey], control: WorkControl? = nil) async throws -> ErasureReceipt {
        try await offload(control) { try self.erase(customers: customers, control: $0) }
    }

    /// Type of the customers of all tables; nil until there is a table.
    public var customerType: ColumnType? {
        get throws { try core.snapshot().customerType }
    }

    /// Reads the key of a customer of this store from a text.
    ///
    /// - Throws: `DukkanError` `invalidArgument` for a text that is no whole number where the customers are numbers;
    ///   `notFound` where there are no tables yet.
    public func customerKey(_ text: String) throws -> CustomerKey {
        guard let type = try customerType else {
            throw DukkanError(.notFound, "the store has no tables yet", place: .init(file: path))
        }
        guard type == .int else { return .string(text) }
        guard let number = Int64(text) else {
            throw DukkanError(
                .invalidArgument, "'\(text)' is no key of this store, whose customers are whole numbers")
        }
        return .integer(number)
    }

    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}

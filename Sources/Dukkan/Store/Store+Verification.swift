public import DukkanFormat
public import DukkanStorage

/// Something that a verification found wrong.
public struct StoreFinding: Sendable, Hashable, CustomStringConvertible {
    /// File, column, block and offset, as far as they are known.
    public var place: DukkanError.Place
    /// What is wrong, one sentence.
    public var message: String
    /// Whether data is lost or wrong; otherwise it is only untidy, such as a file that nothing names.
    public var isDamage: Bool

    init(_ finding: VerificationFinding) {
        place = finding.place
        message = finding.message
        isDamage = finding.isDamage
    }

    /// Place and message.
    public var description: String {
        let place = place.description
        return place.isEmpty ? message : "\(place): \(message)"
    }
}

extension Store {
    /// Reads every byte of the newest commit and checks every checksum and every rule.
    ///
    /// An empty list: all is well. Damage does not end the search: every damaged block of every file is found, and told as
    /// far as there are not more than ten thousand.
    public func verify(control: WorkControl? = nil) throws -> [StoreFinding] {
        try core.verify(control: control).map { StoreFinding($0) }
    }

    /// Reads every byte of the newest commit, without blocking the caller's executor.
    public func verify(control: WorkControl? = nil) async throws -> [StoreFinding] {
        try await offload(control) { try self.verify(control: $0) }
    }

    /// The same for a store that is perhaps too damaged to be opened.
    ///
    /// - Throws: `DukkanError` `notFound` where no manifest is.
    public static func verify(
        at path: String, options: StoreOptions = StoreOptions(), control: WorkControl? = nil
    ) throws -> [StoreFinding] {
        try checkExists(path)
        return try StoreCore.verify(path: path, options: options, control: control).map { StoreFinding($0) }
    }
}

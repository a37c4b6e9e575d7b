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

    /// Place and message.
    public var description: String {
        let place = place.description
        return place.isEmpty ? message : "\(place): \(message)"
    }
}

extension Store {
    /// Reads every byte of the newest snapshot and checks every checksum and every rule.
    ///
    /// An empty list: all is well.
    public func verify(control: WorkControl? = nil) throws -> [StoreFinding] {
        try core.verify(control: control).map {
            StoreFinding(place: $0.place, message: $0.message, isDamage: $0.isDamage)
        }
    }

    /// Reads every byte of the newest snapshot, without blocking the caller's executor.
    public func verify(control: WorkControl? = nil) async throws -> [StoreFinding] {
        try await offload(control) { try self.verify(control: $0) }
    }
}

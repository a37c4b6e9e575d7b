package import DukkanFormat

/// Something wrong in a store: damage of a file, or an invariant that does not hold.
package struct VerificationFinding: Sendable, Hashable, CustomStringConvertible {
    /// File, and column, block and byte offset as far as they are known.
    package var place: DukkanError.Place
    package var message: String
    /// Whether rows cannot be read or are wrong; otherwise only space is wasted.
    package var isDamage: Bool

    package var description: String { "\(place): \(message)" }
}

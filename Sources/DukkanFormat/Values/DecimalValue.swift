/// An exact decimal number: `unscaled` divided by 10 to the power `scale`.
///
/// Wider than a column's decimal, so that sums over any number of rows are exact.
public struct DecimalValue: Sendable, Hashable {
    /// The number times 10 to the power ``scale``.
    public var unscaled: Int128
    /// Number of digits behind the point, 0 to 36.
    public var scale: Int

    /// Makes the number `unscaled / 10^scale`.
    public init(unscaled: Int128, scale: Int) {
        self.unscaled = unscaled
        self.scale = scale
    }

    /// The nearest double.
    public var double: Double {
        DecimalValue.double(unscaled, scale: scale)
    }

    /// The double nearest to `unscaled / 10^scale`, correctly rounded while `unscaled` is under 2^53 and `scale` at most
    /// 22, within one unit in the last place otherwise.
    package static func double(_ unscaled: Int128, scale: Int) -> Double {
        var power = 1.0
        for _ in 0..<scale { power *= 10 }
        return Double(unscaled) / power
    }
}

extension DecimalValue: CustomStringConvertible {
    /// All `scale` digits behind the point, as `-12.50`.
    public var description: String {
        guard scale > 0 else { return String(unscaled) }
        var digits = String(unscaled.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale - digits.count + 1) + digits }
        let point = digits.index(digits.endIndex, offsetBy: -scale)
        return (unscaled < 0 ? "-" : "") + digits[..<point] + "." + digits[point...]
    }
}

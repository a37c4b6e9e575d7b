import DukkanFormat

extension ColumnProfile {
    /// Decimals up to this many become DECIMAL, more become DOUBLE: they are measurements, not money.
    static let moneyDecimalsMax = 6

    /// The narrowest type that holds every value.
    ///
    /// - `keepsZeros`: `00042` is text; otherwise it is a number that was padded.
    func inferred(name: String, keepsZeros: Bool) -> InferredColumn {
        var column = InferredColumn(name: name, type: .string, nullCount: nullCount, example: example ?? "")
        // One word such as NULL in many rows hides the type of the others.
        let suspect = suspects.max { ($0.value, $1.key) < ($1.value, $0.key) }
        let valueCount = rowCount - nullCount
        for hidden in [0, suspects.count == 1 ? suspect?.value ?? 0 : 0] {
            let count = valueCount - hidden
            guard count > 0, !isText, let (type, format) = type(count, name: name, keepsZeros: keepsZeros) else {
                continue
            }
            column.type = type
            column.timeFormat = format
            if hidden > 0 { column.suspectedNullWord = suspect?.key }
            return column
        }
        return column
    }

    /// The type of `count` values that all agree; nil for text.
    private func type(_ count: Int, name: String, keepsZeros: Bool) -> (ColumnType, TimeFormat?)? {
        if timeCount == count { return timeType(count) }
        if truthCount == count, numberCount < count { return (.bool, nil) }
        guard numberCount == count else { return nil }
        if compactDateCount == count, count >= 10 || ColumnProfile.namesTime(name) { return (.date, .compact) }
        if hasLeadingZero && keepsZeros { return nil }
        // Whole numbers beyond 64 bits are names of things, not amounts.
        if exceedsInteger, !hasFraction, !hasExponent { return nil }
        // 17850.0 is a whole number that went through a program which made it a double.
        if !hasFraction, !hasExponent, decimalsMax <= 1 { return (.int, nil) }
        if hasExponent || decimalsMax > ColumnProfile.moneyDecimalsMax || wholeDigitsMax + decimalsMax > 18 {
            return (.double, nil)
        }
        return (.decimal(scale: decimalsMax), nil)
    }

    private func timeType(_ count: Int) -> (ColumnType, TimeFormat?) {
        let type: ColumnType = dateOnlyCount == count ? .date : .timestamp
        if monthFirstCount > 0 { return (type, .monthDayYear) }
        if let index = formCounts.firstIndex(of: count) { return (type, ColumnProfile.forms[index]) }
        return (type, .automatic)
    }

    /// Whether the values are numbers written with a decimal comma.
    var hasDecimalCommas: Bool {
        commaNumberCount > 0 && !isText && commaNumberCount + numberCount == rowCount - nullCount
    }

    /// Whether all dates are slashed and none tells the day from the month.
    var hasAmbiguousDays: Bool {
        timeCount > 0 && dayFirstCount == 0 && monthFirstCount == 0
            && formCounts[ColumnProfile.forms.firstIndex(of: .dayMonthYear) ?? 0] == timeCount
    }

    /// Whether a name is one that people give to times.
    static func namesTime(_ name: String) -> Bool {
        let lower = name.lowercased()
        return ["time", "date", "day", "when"].contains { lower.contains($0) } || lower == "ts"
            || lower.hasSuffix("_at")
            || lower.hasSuffix("_ts") || name.hasSuffix("At")
    }

    /// The form of numbers that count the time since 1970, judged by their digits.
    var epochFormat: TimeFormat? {
        guard numberCount > 0, numberCount == rowCount - nullCount else { return nil }
        switch wholeDigitsMax {
        case 9...11: return .epochSeconds
        case 12...13: return decimalsMax == 0 ? .epochMilliseconds : nil
        case 15...17: return decimalsMax == 0 ? .epochMicroseconds : nil
        default: return nil
        }
    }
}

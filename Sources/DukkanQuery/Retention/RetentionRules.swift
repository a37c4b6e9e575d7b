import DukkanFormat

extension RetentionQuery {
    /// The same query without the preset, whose weeks and cohorts the text has set where it said nothing else.
    package func resolved() -> RetentionQuery {
        var query = self
        query.isPostHog = false
        return query
    }

    /// Whether no option is used that only the general evaluation knows.
    package var isPlain: Bool {
        let steps = [start, returning]
        return brackets.isEmpty && !isRolling && !isOnOrAfter && returnCountMin == 1 && measures.count == 1
            && !isPerCustomer && !isRunning && split == nil && !isPostHog && steps.allSatisfy(\.isPlain)
    }

    /// Refuses combinations of options that have no meaning, by name.
    ///
    /// - Throws: `invalid_query`.
    package func validate() throws {
        try start.refuseOrder()
        try returning.refuseOrder()
        guard (1...RetentionQuery.periodCountMax).contains(periodCount) else {
            throw DukkanError(
                .invalidQuery, "retention is for 1 to \(RetentionQuery.periodCountMax) periods, not \(periodCount)")
        }
        guard (1...RetentionQuery.measureCountMax).contains(measures.count) else {
            throw DukkanError(
                .invalidQuery, "MEASURING is for 1 to \(RetentionQuery.measureCountMax) measures, not \(measures.count)"
            )
        }
        guard returnCountMin >= 1 else {
            throw DukkanError(.invalidQuery, "AT LEAST needs a number from 1 on")
        }
        if let top = split?.top, top < 1 { throw DukkanError(.invalidQuery, "TOP needs a number from 1 on") }
        try validateBrackets()
        if isRolling && period == .month {
            throw DukkanError(
                .invalidQuery, "ROLLING has no meaning BY MONTH: months differ in length",
                advice: "Count in days, with BRACKETS 30, 30 if need be.")
        }
        if isRunning && isOnOrAfter {
            throw DukkanError(
                .invalidQuery,
                "RUNNING has no meaning with ON OR AFTER: one adds up from the left, the other from the right")
        }
        if isPerCustomer && !measures.contains(where: \.isSum) {
            throw DukkanError(.invalidQuery, "PER CUSTOMER is for sum(…)")
        }
        if cohorts == .recurring && start.firstEver != nil {
            throw DukkanError(
                .invalidQuery, "FIRST EVER has no meaning with RECURRING: it is one row of a customer")
        }
    }

    private func validateBrackets() throws {
        guard !brackets.isEmpty else { return }
        for length in brackets where !(1...PeriodAxis.periodCountMax).contains(length) {
            throw DukkanError(
                .invalidQuery, "BRACKETS are of 1 to \(PeriodAxis.periodCountMax) periods each, not \(length)")
        }
        guard periodCount == brackets.count + 1 else {
            throw DukkanError(.invalidQuery, "BRACKETS stand instead of FOR n PERIODS")
        }
    }
}

extension RetentionQuery.Measure {
    /// Whether it is a sum.
    var isSum: Bool {
        if case .sum = self { return true }
        return false
    }
}

extension Step {
    /// Whether it is a table and a filter, and no more.
    var isPlain: Bool {
        firstEver == nil && !isOptional && gapMin == nil && gapMax == nil
    }

    /// Refuses what only a step of a funnel can have.
    func refuseOrder() throws {
        if isOptional { throw DukkanError(.invalidQuery, "OPTIONAL is for the steps of a funnel") }
        if gapMin != nil || gapMax != nil { throw DukkanError(.invalidQuery, "GAP is for the steps of a funnel") }
    }

    /// Refuses what a row that counts as activity cannot have.
    func refuseSuffixes(in query: String) throws {
        try refuseOrder()
        if firstEver != nil {
            throw DukkanError(.invalidQuery, "FIRST EVER has no meaning in \(query), which is about all rows")
        }
    }
}

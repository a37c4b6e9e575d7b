package import DukkanFormat
public import DukkanQuery

extension Statement {
    /// The statement in the query language, on one line, without the `;`.
    ///
    /// Parsing the text gives an equal statement, as long as the statement is one that the language can say: names and
    /// lists are not empty, counts are within their limits, aggregates in a segment name their table.
    public var canonicalText: String {
        var printer = CanonicalPrinter()
        printer.print(self)
        return printer.text
    }
}

extension Expression {
    /// The expression in the query language, as over the rows of a table or a group.
    public var canonicalText: String { canonicalText(inSegment: false) }

    /// The expression in the query language; in a segment's condition aggregates name their table in another way.
    package func canonicalText(inSegment: Bool) -> String {
        var printer = CanonicalPrinter(inSegment: inSegment)
        printer.print(self)
        return printer.text
    }
}

extension ColumnName {
    /// The name as the query language writes it, quoted where it must be.
    package var canonicalText: String {
        var printer = CanonicalPrinter()
        printer.print(self)
        return printer.text
    }
}

extension Value {
    /// The value as a literal of the query language.
    package var canonicalText: String {
        var printer = CanonicalPrinter()
        printer.print(self)
        return printer.text
    }
}

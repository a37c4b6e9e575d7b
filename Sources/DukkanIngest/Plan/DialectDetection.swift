import DukkanFormat

extension Dialect {
    /// Rows that are looked at to tell the separator.
    static let sampleRowCount = 100
    /// Separators that are tried, in order of preference.
    static let usualSeparators = Array(",;\t|".utf8)

    /// Finds out the form of an input from its first bytes, which stay unread.
    ///
    /// `schema`: the table that the rows go to, if there is one.
    init(examining source: InputSource, options: ImportOptions, schema: TableSchema?) throws {
        let sample = try source.peek(options.sampleBytes)
        let isWhole = sample.count < options.sampleBytes
        let quote = try Dialect.byte(options.quote, "quote")
        let told = try Dialect.byte(options.separator, "separator")
        // A last line without its end may be torn, and says nothing about the form unless it is the only one.
        let countsLast = isWhole && !sample.contains(10)
        var format = options.format
        var separator = told ?? UInt8(ascii: ",")
        if format == .automatic {
            (format, separator) = Dialect.guess(sample, isWhole: countsLast, quote: quote, told: told)
        } else if format == .separated, told == nil {
            separator = Dialect.bestSeparator(sample, isWhole: countsLast, quote: quote)?.separator ?? separator
        }
        self.init(format: format, separator: separator, quote: quote, names: [], hasHeader: false)
        if format == .jsonLines {
            names = Dialect.keys(sample, isWhole: isWhole)
            return
        }
        try readHeader(sample, isWhole: isWhole, options: options, schema: schema, name: source.name)
    }

    private static func byte(_ character: Character?, _ what: String) throws(DukkanError) -> UInt8? {
        guard let character else { return nil }
        guard let byte = character.asciiValue, byte != 10, byte != 13 else {
            throw DukkanError(.invalidArgument, "the \(what) must be one ASCII character other than a newline")
        }
        return byte
    }

    private static func guess(
        _ sample: [UInt8], isWhole: Bool, quote: UInt8?, told: UInt8?
    ) -> (InputFormat, UInt8) {
        if let told { return (.separated, told) }
        let first = sample.first { $0 > 32 }
        if first == UInt8(ascii: "{") { return (.jsonLines, UInt8(ascii: ",")) }
        if let best = bestSeparator(sample, isWhole: isWhole, quote: quote) { return (.separated, best.separator) }
        var at = 0
        var counts: [Int] = []
        while counts.count < sampleRowCount, let line = RowSplitter.line(sample, &at, isWhole: isWhole) {
            let count = RowSplitter.words(line).count
            if count > 0 { counts.append(count) }
        }
        if let share = agreement(counts), share >= 0.9, counts[0] > 1 { return (.blankSeparated, UInt8(ascii: ",")) }
        return (.separated, UInt8(ascii: ","))
    }

    /// The separator that gives most rows the same number of fields, more than one.
    private static func bestSeparator(
        _ sample: [UInt8], isWhole: Bool, quote: UInt8?
    ) -> (separator: UInt8, fields: Int)? {
        var best: (separator: UInt8, fields: Int)?
        for separator in usualSeparators {
            var at = 0
            var counts: [Int] = []
            while counts.count < sampleRowCount,
                let fields = RowSplitter.separated(sample, &at, separator: separator, quote: quote, isWhole: isWhole)
            {
                if fields.count > 1 || !fields[0].text.isEmpty { counts.append(fields.count) }
            }
            guard let share = agreement(counts), share >= 0.8, counts[0] > 1 else { continue }
            if counts[0] > best?.fields ?? 1 { best = (separator, counts[0]) }
        }
        return best
    }

    /// The share of counts that equal the first.
    private static func agreement(_ counts: [Int]) -> Double? {
        guard let first = counts.first else { return nil }
        return Double(counts.count { $0 == first }) / Double(counts.count)
    }

    /// The keys of the objects of a sample.
    private static func keys(_ sample: [UInt8], isWhole: Bool) -> [String] {
        let tokenizer = JSONLinesTokenizer(names: [], slots: [], unknownKeys: .collect)
        let end = isWhole ? sample.count : sample.lastIndex(of: 10).map { $0 + 1 } ?? sample.count
        let chunk = Chunk(capacity: end)
        sample.withUnsafeBufferPointer { if let base = $0.baseAddress { chunk.bytes.update(from: base, count: end) } }
        chunk.count = end
        chunk.clearPadding()
        tokenizer.begin(chunk)
        let tile = FieldTile(slotCount: 0)
        var faults = RowFaults()
        repeat {
            tile.advance()
            tokenizer.fill(tile, chunk, &faults)
        } while tile.rowCount > 0
        return tokenizer.newKeys
    }

    private mutating func readHeader(
        _ sample: [UInt8], isWhole: Bool, options: ImportOptions, schema: TableSchema?, name: String
    ) throws {
        var at = 0
        var first: [RowSplitter.Field] = []
        // Blank lines in front of the header go with it.
        repeat {
            guard let row = fields(sample, &at, isWhole: isWhole) else {
                if !isWhole { throw DukkanError(.invalidInput, "the first row is too long", place: .init(file: name)) }
                break
            }
            first = row
        } while first.allSatisfy { $0.text.trimmingBlanks.isEmpty && !$0.isQuoted }
        hasHeader = options.header ?? Dialect.looksLikeHeader(first, options: options, schema: schema)
        if hasHeader {
            headerBytes = at
            headerLines = sample[..<at].count { $0 == 10 }
        }
        if let given = options.columnNames {
            if !first.isEmpty, given.count != first.count {
                throw DukkanError(
                    .invalidInput, "\(given.count) column names are given and the first row has \(first.count) fields",
                    place: .init(file: name, line: 1))
            }
            names = given
        } else if hasHeader {
            names = first.map { $0.text.trimmingBlanks }
        } else {
            names = first.indices.map { "column\($0 + 1)" }
        }
        if names.count > TableSchema.columnCountMax {
            throw DukkanError(
                .invalidInput, "\(names.count) columns, at most \(TableSchema.columnCountMax) are allowed",
                place: .init(file: name, line: 1))
        }
    }

    private func fields(_ sample: [UInt8], _ at: inout Int, isWhole: Bool) -> [RowSplitter.Field]? {
        switch format {
        case .separated, .automatic, .jsonLines:
            return RowSplitter.separated(sample, &at, separator: separator, quote: quote, isWhole: isWhole)
        case .blankSeparated: return RowSplitter.line(sample, &at, isWhole: isWhole).map(RowSplitter.words)
        case .fixedWidth(let ranges):
            return RowSplitter.line(sample, &at, isWhole: isWhole).map { RowSplitter.fixed($0, ranges) }
        }
    }

    /// Names are told from values: none is a number, a time or a truth value, none is empty but perhaps the last, and
    /// none stands twice.
    ///
    /// A row with a name of the table is a header in any case.
    private static func looksLikeHeader(
        _ fields: [RowSplitter.Field], options: ImportOptions, schema: TableSchema?
    ) -> Bool {
        let texts = fields.map { $0.text.trimmingBlanks }
        if let schema, texts.contains(where: { ImportPlan.column(for: $0, in: schema, options: options) != nil }) {
            return true
        }
        for (index, text) in texts.enumerated() {
            if text.isEmpty {
                if index < texts.count - 1 || texts.count == 1 { return false }
                continue
            }
            var copy = text
            let isValue = copy.withUTF8 { bytes in
                NumberReader.written(bytes, point: UInt8(ascii: ".")) != nil
                    || NumberReader.written(bytes, point: UInt8(ascii: ",")) != nil
                    || TimeForms.read(bytes, .automatic, pattern: nil) != nil
                    || TimeForms.read(bytes, .monthDayYear, pattern: nil) != nil
                    || ColumnParser.truth(bytes) != nil && bytes.count > 1
            }
            if isValue { return false }
        }
        return !texts.isEmpty && Set(texts).count == texts.count
    }
}

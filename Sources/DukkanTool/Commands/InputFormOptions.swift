import ArgumentParser
import Dukkan

/// Options of `dukkan import` that say how the bytes are to be read.
struct InputFormOptions: ParsableArguments {
    @Option(help: "auto, csv, jsonl, blanks, or fixed:1-5,6-14 with the places of the fields, counted from 1.")
    var inputFormat = "auto"

    @Option(help: "Character between fields, or tab (default: found out).")
    var separator: String?

    @Option(help: "Character around quoted fields.")
    var quote = "\""

    @Flag(help: "Quotes have no meaning.")
    var noQuote = false

    @Flag(inversion: .prefixedNo, help: "Whether the first row holds names (default: found out).")
    var header: Bool?

    @Option(help: ArgumentHelp("Names of the columns in order, in place of a header's.", valueName: "a,b,c"))
    var columns: String?

    @Option(name: .customLong("null"), help: ArgumentHelp("A word that means no value; repeatable.", valueName: "word"))
    var nullWords: [String] = []

    @Flag(help: "Decimals are written 12,30.")
    var decimalComma = false

    @Option(help: "utf8 or latin1.")
    var encoding = Encoding.utf8

    @Option(help: ArgumentHelp("Zone of times that name none, as Africa/Cairo.", valueName: "zone"))
    var timeZone: String?

    @Option(
        help: ArgumentHelp(
            """
            How times are written: auto, iso, YYYYMMDD, epoch, epoch_ms, epoch_us, DD/MM/YYYY, MM/DD/YYYY, \
            DD-Mon-YYYY, or a pattern such as %Y/%m/%d; for one column COLUMN=FORMAT; repeatable.
            """, valueName: "format"))
    var timeFormat: [String] = []

    /// Encodings by the words of the command line.
    enum Encoding: String, ExpressibleByArgument, CaseIterable {
        case utf8, latin1
    }

    func apply(to options: inout ImportOptions) throws {
        options.format = try format()
        options.separator = try separator.map { try character($0, option: "--separator") }
        options.quote = noQuote ? nil : try character(quote, option: "--quote")
        options.header = header
        options.columnNames = columns.map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        options.nullWords = nullWords
        options.decimalComma = decimalComma
        options.encoding = encoding == .utf8 ? .utf8 : .latin1
        if let timeZone {
            do {
                options.timeZone = try TimeZoneRules(named: timeZone)
            } catch {
                throw ValidationError("--time-zone: \(error)")
            }
        }
        for text in timeFormat {
            if let parts = InputFormOptions.pair(text), !parts.0.contains("%") {
                options.timeFormats[parts.0] = try TimeFormat(named: parts.1)
            } else {
                options.timeFormat = try TimeFormat(named: text)
            }
        }
    }

    /// The two sides of `a=b`.
    static func pair(_ text: String) -> (String, String)? {
        guard let place = text.lastIndex(of: "=") else { return nil }
        return (String(text[..<place]), String(text[text.index(after: place)...]))
    }

    private func character(_ text: String, option: String) throws -> Character {
        switch text.lowercased() {
        case "tab", "\\t": return "\t"
        case "comma": return ","
        case "semicolon": return ";"
        case "pipe": return "|"
        default:
            guard text.count == 1, let only = text.first, only.isASCII else {
                throw ValidationError("\(option) is one ASCII character, or tab")
            }
            return only
        }
    }

    private func format() throws -> InputFormat {
        switch inputFormat.lowercased() {
        case "auto": return .automatic
        case "csv", "tsv": return .separated
        case "jsonl", "json", "ndjson": return .jsonLines
        case "blanks": return .blankSeparated
        default:
            guard inputFormat.lowercased().hasPrefix("fixed:") else {
                throw ValidationError("--input-format is auto, csv, jsonl, blanks, or fixed:1-5,6-14")
            }
            return .fixedWidth(try inputFormat.dropFirst(6).split(separator: ",").map(place))
        }
    }

    /// `6-14` as the bytes 5 ..< 14.
    private func place(_ text: Substring) throws -> Range<Int> {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1, last >= first, last < 1 << 24 else {
            throw ValidationError("--input-format: \(text) is not a place such as 6-14")
        }
        return (first - 1)..<last
    }
}

/// Options of `dukkan import` that say what becomes of columns and rows.
struct InputColumnOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Input column that goes to a column of another name; repeatable.", valueName: "input=column")
    )
    var map: [String] = []

    @Option(help: ArgumentHelp("Input column to leave out; repeatable.", valueName: "input"))
    var ignore: [String] = []

    @Flag(help: "Add columns that the table lacks, with the types found.")
    var addColumns = false

    @Option(help: "What happens to rows without a customer: refuse, drop or keep.")
    var anonymous = Anonymous.refuse

    @Option(help: ArgumentHelp("Set bad rows aside in this file, with the reasons, and go on.", valueName: "path"))
    var rejects: String?

    @Option(help: ArgumentHelp("For a new table: the column with the customer.", valueName: "column"))
    var customer: String?

    @Option(help: ArgumentHelp("For a new table: the column with the event time.", valueName: "column"))
    var time: String?

    @Option(help: ArgumentHelp("For a new table: a column with a key of rows.", valueName: "column"))
    var unique: String?

    /// Treatments by the words of the command line.
    enum Anonymous: String, ExpressibleByArgument, CaseIterable {
        case refuse, drop, keep
    }

    func apply(to options: inout ImportOptions) throws {
        for text in map {
            guard let parts = InputFormOptions.pair(text) else {
                throw ValidationError("--map \(text): write INPUT=COLUMN")
            }
            options.mappings.append(.init(input: parts.0, column: parts.1))
        }
        options.ignoredColumns = ignore
        options.addsColumns = addColumns
        options.rejectsPath = rejects
        options.customerColumn = customer
        options.timeColumn = time
        options.uniqueColumn = unique
        switch anonymous {
        case .refuse: options.anonymousRows = .refuse
        case .drop: options.anonymousRows = .drop
        case .keep: options.anonymousRows = .keep
        }
    }
}

public import DukkanFormat

/// How times and dates are written in the input.
public enum TimeFormat: Sendable, Hashable {
    /// Told from each value by its shape: ISO 8601, `2025/01/02`, `20250102`, `DD/MM/YYYY` (never `MM/DD/YYYY`), `14-Jan-15`,
    /// and numbers of 9 to 11 digits as seconds, of 12 or 13 as milliseconds, of 15 to 17 as microseconds since 1970.
    case automatic
    /// `2025-01-02`, `2025-01-02T03:04`, `2025-01-02 03:04:05.678`, each with or without `Z`, ` UTC` or an offset.
    case iso8601
    /// `2025/01/02` or `2025.1.2`, also with a time of day.
    case yearMonthDay
    /// `20250102`, also with a time of day behind it: `20250102T030405`, `20250102 03:04:05`, `20250102030405`.
    case compact
    /// Seconds since 1970, whole or with decimals.
    case epochSeconds
    /// Milliseconds since 1970.
    case epochMilliseconds
    /// Microseconds since 1970.
    case epochMicroseconds
    /// `31/12/2025`, `31.12.25`, `31-12-2025`, also with a time of day.
    case dayMonthYear
    /// `12/31/2025`, also with a time of day.
    case monthDayYear
    /// `14-Jan-15`, `14 January 2015`, also with a time of day.
    case dayMonthName
    /// A pattern of `strptime`'s letters: `%Y %m %d %H %M %S %f %y %b %j %p %I %z %s %%`.
    case pattern(String)

    /// The format that a word of the command line names: `iso`, `YYYYMMDD`, `YYYY/MM/DD`, `epoch`, `epoch_ms`, `epoch_us`, `DD/MM/YYYY`,
    /// `MM/DD/YYYY`, `DD-Mon-YYYY`, `auto`, or a pattern with `%`.
    public init(named name: String) throws(DukkanError) {
        switch name.lowercased() {
        case "auto", "automatic": self = .automatic
        case "iso", "iso8601": self = .iso8601
        case "yyyymmdd", "compact": self = .compact
        case "yyyy/mm/dd", "yyyy.mm.dd": self = .yearMonthDay
        case "epoch", "epoch_s", "s", "unix": self = .epochSeconds
        case "epoch_ms", "ms": self = .epochMilliseconds
        case "epoch_us", "us", "µs": self = .epochMicroseconds
        case "dd/mm/yyyy", "dd.mm.yyyy", "dd-mm-yyyy", "dd/mm/yy", "dd.mm.yy", "dd-mm-yy": self = .dayMonthYear
        case "mm/dd/yyyy", "mm-dd-yyyy", "mm.dd.yyyy", "mm/dd/yy", "mm-dd-yy": self = .monthDayYear
        case "dd-mon-yyyy", "dd-mon-yy", "dd mon yyyy": self = .dayMonthName
        default:
            guard name.contains("%") else {
                throw DukkanError(
                    .invalidArgument, "\(name) is not a time format",
                    advice:
                        "one of auto, iso, YYYYMMDD, YYYY/MM/DD, epoch, epoch_ms, epoch_us, DD/MM/YYYY, MM/DD/YYYY, DD-Mon-YYYY, "
                        + "or a pattern such as %Y/%m/%d %H:%M")
            }
            _ = try TimePattern(name)
            self = .pattern(name)
        }
    }
}

extension TimeFormat: CustomStringConvertible {
    /// The word for the command line.
    public var description: String {
        switch self {
        case .automatic: "auto"
        case .iso8601: "iso"
        case .compact: "YYYYMMDD"
        case .yearMonthDay: "YYYY/MM/DD"
        case .epochSeconds: "epoch"
        case .epochMilliseconds: "epoch_ms"
        case .epochMicroseconds: "epoch_us"
        case .dayMonthYear: "DD/MM/YYYY"
        case .monthDayYear: "MM/DD/YYYY"
        case .dayMonthName: "DD-Mon-YYYY"
        case .pattern(let text): text
        }
    }
}

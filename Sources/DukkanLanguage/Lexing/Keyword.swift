/// A word with a meaning somewhere in the grammar.
///
/// Most of them are names everywhere else: see ``isReserved``.
enum Keyword: String, CaseIterable {
    case add, all, alter, analyze, and, any, `as`, asc, at, attributed, between, bigint, bool, boolean, by
    case `case`, cast, column, create, customer, customers, date, day, deciles, decimal, define, desc, describe
    case distinct, double, drop, `else`, end, entered, escape, excluding, exists, explain, `false`, favorable
    case favourable, filter, first, float, `for`, from, funnel, group, having, holding, hour, `if`, ilike, `in`
    case increasing, int, integer, interval, `is`, join, last, least, lifecycle, like, limit, matured, measuring
    case monday, month, not, now, null, nulls, numeric, of, offset, on, only, or, order, paths, periods, precision
    case primary, real, recorded, recurring, retention, returning, rolling, running, segment, segments, select, show
    case split, start, step, stickiness, string, summarize, sunday, table, tables, text, then, ties, time, timestamp
    case to, top, `true`, union, unique, varchar, week, when, `where`, with, within, zone

    /// The word as canonical text writes it.
    var text: String { rawValue.uppercased() }

    /// Whether the word is never a name unless it is quoted.
    var isReserved: Bool {
        switch self {
        case .and, .as, .between, .by, .case, .else, .end, .false, .from, .group, .having, .ilike, .in, .is, .like,
            .limit, .not, .now, .null, .offset, .or, .order, .select, .then, .true, .when, .where:
            true
        default:
            false
        }
    }

    /// The keyword of a word in any case, nil for other words.
    static func named(_ word: String) -> Keyword? { byName[word.lowercased()] }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })
}

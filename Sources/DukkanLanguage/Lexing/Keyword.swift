/// A word with a meaning somewhere in the grammar.
///
/// Most of them are names everywhere else: see ``isReserved``.
enum Keyword: String, CaseIterable {
    case add, after, all, alter, analyze, and, any, `as`, asc, at, attempt, attributed, between, bigint, bins
    case bool, boolean, brackets, by, `case`, cast, clickhouse, column, convert, counting, create, customer
    case customers, date, day, deciles, decimal, define, depth, desc, describe, did, distinct, double, drop
    case dropped, `else`, end, entered, entries, escape, ever, except, excluding, exists, explain, `false`
    case favorable, favourable, filter, first, float, `for`, from, funnel, gap, group, having, holding, hour
    case `if`, ilike, `in`, increasing, int, integer, intersect, interval, `is`, join, last, least, lifecycle
    case like, limit, matured, measuring, modes, monday, month, more, not, now, null, nulls, numeric, of
    case offset, on, only, open, optional, or, order, paths, per, periods, posthog, precision, preset, primary
    case reached, real, recorded, recurring, retention, returning, reusing, rolling, rows, running, segment
    case segments, select, session, sessions, show, split, start, step, stickiness, strict, string, summarize
    case sunday, table, tables, text, then, ties, time, timestamp, to, top, towards, trends, `true`, union
    case unique, varchar, week, when, `where`, with, within, zone

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

"""The fifteen questions of the workload in the dialects of the peers.

Each question has an identifier (the first word of the name in workload.dukkan), SQL for DuckDB and for ClickHouse,
and the shape of its answer, which tells how the three answers are brought into one form (answers.py).
"""

STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Question:
    def __init__(self, identifier, shape, duckdb, clickhouse, group):
        self.identifier = identifier
        self.shape = shape
        self.sql = {"duckdb": duckdb, "clickhouse": clickhouse}
        self.group = group  # which speed bar it stands under


def duckdb_time(text):
    return f"TIMESTAMP '{text}'"


def clickhouse_time(text):
    return f"toDateTime64('{text}', 3, 'UTC')"


def between(column, start, end, time):
    return f"{column} >= {time(start)} AND {column} < {time(end)}"


def duckdb_funnel(window_ms, where="true", breakdown=None):
    """From each row of step 1, the earliest later row of each next step, by ASOF joins: greedy completion is exact."""
    carried = f", {breakdown} AS part" if breakdown else ""
    parts = [
        f"chain1 AS (SELECT customer_id, ts AS begun, ts AS reached1{carried} FROM events "
        f"WHERE event = '{STEPS[0]}' AND {where})"
    ]
    for number, step in enumerate(STEPS[1:], start=2):
        parts.append(f"rows{number} AS (SELECT customer_id, ts FROM events WHERE event = '{step}' AND {where})")
        parts.append(
            f"chain{number} AS (SELECT c.*, CASE WHEN epoch_ms(r.ts) - epoch_ms(c.begun) <= {window_ms} THEN r.ts END "
            f"AS reached{number} FROM chain{number - 1} c ASOF LEFT JOIN rows{number} r "
            f"ON c.customer_id = r.customer_id AND r.ts >= c.reached{number - 1})"
        )
    level = " + ".join(f"(reached{n} IS NOT NULL)::INT" for n in range(1, len(STEPS) + 1))
    kept = ", arg_min(part, begun) AS part" if breakdown else ""
    parts.append(f"levels AS (SELECT customer_id, max({level}) AS level{kept} FROM chain{len(STEPS)} GROUP BY customer_id)")
    counts = ", ".join(f"count(*) FILTER (level >= {n})" for n in range(1, len(STEPS) + 1))
    tail = f"SELECT part, {counts} FROM levels GROUP BY part" if breakdown else f"SELECT {counts} FROM levels"
    return f"WITH {', '.join(parts)} {tail}"


def clickhouse_funnel(window_ms, where="1", breakdown=None):
    conditions = ", ".join(f"event = '{step}'" for step in STEPS)
    names = ", ".join(f"'{step}'" for step in STEPS)
    kept = f", argMinIf({breakdown}, ts, event = '{STEPS[0]}') AS part" if breakdown else ""
    levels = (
        f"SELECT customer_id, windowFunnel({window_ms})(toUInt64(toUnixTimestamp64Milli(ts)), {conditions}) AS level{kept} "
        f"FROM events WHERE event IN ({names}) AND {where} GROUP BY customer_id"
    )
    counts = ", ".join(f"countIf(level >= {n})" for n in range(1, len(STEPS) + 1))
    tail = "GROUP BY part" if breakdown else ""
    return f"SELECT {'part, ' if breakdown else ''}{counts} FROM ({levels}) WHERE level >= 1 {tail}"


def duckdb_retention(table, time, unit, periods):
    return (
        f"WITH first AS (SELECT customer_id, date_trunc('{unit}', min({time})) AS cohort FROM {table} GROUP BY customer_id), "
        f"active AS (SELECT t.customer_id, cohort, date_diff('{unit}', cohort, date_trunc('{unit}', {time})) AS period "
        f"FROM {table} t JOIN first f ON t.customer_id = f.customer_id) "
        f"SELECT cohort, period, count(DISTINCT customer_id) FROM active WHERE period < {periods} GROUP BY cohort, period"
    )


def clickhouse_retention(table, time, unit, periods):
    start = {"week": "toMonday", "month": "toStartOfMonth"}[unit]
    # Whole weeks between Mondays, whole months between first days.
    return (
        f"SELECT cohort, dateDiff('{unit}', cohort, {start}({time})) AS period, uniqExact(customer_id) FROM {table} AS t "
        f"INNER JOIN (SELECT customer_id, {start}(min({time})) AS cohort FROM {table} GROUP BY customer_id) AS first "
        f"ON t.customer_id = first.customer_id GROUP BY cohort, period HAVING period < {periods}"
    )


def behavioural(distinct, time):
    autumn = between("started_at", "2025-10-01 00:00:00", "2026-01-01 00:00:00", time)
    return (
        f"SELECT country, {distinct} FROM sessions WHERE customer_id IN (SELECT customer_id FROM sessions WHERE {autumn} "
        "GROUP BY customer_id HAVING count(*) >= 3) AND customer_id IN (SELECT customer_id FROM orders) "
        "AND customer_id NOT IN (SELECT customer_id FROM events WHERE event = 'share') GROUP BY country ORDER BY country"
    )


def slices(dialect):
    is_duckdb = dialect == "duckdb"
    time = duckdb_time if is_duckdb else clickhouse_time
    distinct = "count(DISTINCT customer_id)" if is_duckdb else "uniqExact(customer_id)"
    day = "date_trunc('day', ts)" if is_duckdb else "toDate(ts)"
    bounced = "count(*) FILTER (bounced)" if is_duckdb else "countIf(bounced)"
    autumn = between("ts", "2025-08-01 00:00:00", "2025-11-01 00:00:00", time)
    return {
        "S1": f"SELECT country, count(*), sum(value), {distinct} FROM events WHERE event = 'add_to_cart' "
        f"AND device = 'mobile' AND {autumn} GROUP BY country ORDER BY country",
        "S2": f"SELECT {day} AS day, {distinct} FROM events GROUP BY day ORDER BY day",
        "S3": "SELECT product_id, sum(value) AS total, count(*) FROM events WHERE event = 'view_item' GROUP BY product_id "
        "ORDER BY total DESC, product_id LIMIT 20",
        "S4": "SELECT country, device, event, count(*), avg(value) FROM events GROUP BY country, device, event "
        "ORDER BY country, device, event",
        "S5": f"SELECT channel, count(*), avg(duration_s), {bounced} FROM sessions WHERE landing_page LIKE '%item-42%' "
        "GROUP BY channel ORDER BY channel",
        "S6": "SELECT count(*), sum(value), min(ts), max(ts) FROM events",
        "B1": behavioural(distinct, time),
        "P1": "SELECT decile, count(*), sum(revenue) FROM (SELECT revenue, ntile(10) OVER (ORDER BY revenue DESC, customer_id) "
        "AS decile FROM (SELECT customer_id, sum(revenue) AS revenue FROM orders GROUP BY customer_id)) "
        "GROUP BY decile ORDER BY decile",
    }


def cross_table(dialect):
    within = 3 * DAY_MS
    visits = "(SELECT customer_id, campaign, started_at FROM sessions WHERE channel = 'paid_search')"
    joined = f"FROM {visits} s ASOF LEFT JOIN orders o ON s.customer_id = o.customer_id AND o.ordered_at >= s.started_at"
    if dialect == "duckdb":
        return (
            "SELECT campaign, count(DISTINCT customer_id), count(DISTINCT CASE WHEN waited <= "
            f"{within} THEN customer_id END) FROM (SELECT s.customer_id AS customer_id, campaign, "
            f"epoch_ms(o.ordered_at) - epoch_ms(s.started_at) AS waited {joined}) GROUP BY campaign"
        )
    return (
        "SELECT s.campaign, uniqExact(s.customer_id), uniqExactIf(s.customer_id, o.ordered_at >= s.started_at AND "
        f"dateDiff('millisecond', s.started_at, o.ordered_at) <= {within}) {joined} GROUP BY s.campaign"
    )


def questions(customer):
    """All questions; `customer` is the literal of the customer whose timeline is asked for."""
    both = {dialect: slices(dialect) for dialect in ("duckdb", "clickhouse")}
    month = {
        "duckdb": between("ts", "2025-10-01 00:00:00", "2025-10-31 00:00:00", duckdb_time),
        "clickhouse": between("ts", "2025-10-01 00:00:00", "2025-10-31 00:00:00", clickhouse_time),
    }
    timeline = f"SELECT count(*), min(ts), max(ts) FROM events WHERE customer_id = {customer}"

    def rows(identifier, group="slice"):
        return Question(identifier, "rows", both["duckdb"][identifier], both["clickhouse"][identifier], group)

    return [
        Question("F1", "funnel", duckdb_funnel(7 * DAY_MS), clickhouse_funnel(7 * DAY_MS), "funnel"),
        Question(
            "F2", "funnel by value", duckdb_funnel(7 * DAY_MS, breakdown="device"),
            clickhouse_funnel(7 * DAY_MS, breakdown="device"), "funnel"),
        Question(
            "F3", "funnel", duckdb_funnel(HOUR_MS, where=month["duckdb"]),
            clickhouse_funnel(HOUR_MS, where=month["clickhouse"]), "funnel"),
        Question(
            "R1", "retention", duckdb_retention("sessions", "started_at", "week", 12),
            clickhouse_retention("sessions", "started_at", "week", 12), "customer"),
        Question(
            "R2", "retention", duckdb_retention("orders", "ordered_at", "month", 12),
            clickhouse_retention("orders", "ordered_at", "month", 12), "customer"),
        rows("S1"), rows("S2", "customer"), rows("S3"), rows("S4"), rows("S5"), rows("S6"), rows("B1", "customer"),
        Question("X1", "funnel by value", cross_table("duckdb"), cross_table("clickhouse"), "customer"),
        rows("P1"),
        # Of no rows ClickHouse's min is 1970, unless it is told otherwise.
        Question(
            "L1", "rows", timeline, timeline.replace("min(", "minOrNull(").replace("max(", "maxOrNull("), "slice"),
    ]

"""See tools/shapes: shops that are not like the one that everything is tuned on."""

import argparse
import os
import sys
import tempfile

import bars
import compare
import engines

SPEED_SHARE = 0.5
PARQUET = 0.9
GIANT_EVENTS = 1_000_000
CHUNKS = 20


class Tables:
    """The three tables of a shop as Arrow tables, changed one column at a time."""

    def __init__(self, data):
        import pyarrow as pa
        import pyarrow.csv
        times = {name: pa.timestamp("ms") for name in engines.TIME_COLUMNS.values()}
        convert = pa.csv.ConvertOptions(column_types=times, strings_can_be_null=True, null_values=[""])
        self.tables = {name: pa.csv.read_csv(f"{data}/{name}.csv", convert_options=convert) for name in engines.TABLES}

    def numbers(self, table, column):
        return self.tables[table][column].to_numpy()

    def replace(self, table, column, values):
        place = self.tables[table].column_names.index(column)
        self.tables[table] = self.tables[table].set_column(place, column, [values])

    def take(self, table, rows):
        self.tables[table] = self.tables[table].take(rows)

    def write(self, place, chunks=1):
        """Writes whole files, and where wanted the same rows in chunks."""
        import pyarrow.csv
        os.makedirs(place, exist_ok=True)
        for name, table in self.tables.items():
            pyarrow.csv.write_csv(table, f"{place}/{name}.csv")
            for chunk in range(chunks if chunks > 1 else 0):
                start, end = (table.num_rows * at // chunks for at in (chunk, chunk + 1))
                pyarrow.csv.write_csv(table.slice(start, end - start), f"{place}/{name}-{chunk:03}.csv")


def uuids(tables, random):
    """Customers are UUID texts."""
    import numpy as np
    import pyarrow as pa
    keys = random.integers(0, 1 << 63, (1 << 22, 2), dtype=np.uint64)

    def text(customer):
        high, low = map(int, keys[customer % len(keys)])
        digits = f"{high:016x}{low ^ customer:016x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    for name in engines.TABLES:
        customers, places = np.unique(tables.numbers(name, "customer_id"), return_inverse=True)
        texts = pa.array([text(int(customer)) for customer in customers])
        tables.replace(name, "customer_id", texts.take(pa.array(places)))


def seconds(tables, _):
    """Times are whole seconds, so that several rows of a customer have the same."""
    import numpy as np
    for name, column in engines.TIME_COLUMNS.items():
        times = tables.numbers(name, column).astype("datetime64[ms]").astype(np.int64)
        tables.replace(name, column, (times // 1000 * 1000).astype("datetime64[ms]"))


def giant(tables, random):
    """One customer is a bot with a million events."""
    import numpy as np
    sessions = tables.numbers("events", "session_id")
    _, counts = np.unique(sessions, return_counts=True)
    order = random.permutation(len(counts))
    needed = int(np.searchsorted(np.cumsum(counts[order]), GIANT_EVENTS)) + 1
    chosen = np.unique(sessions)[order[:needed]]
    bot = int(tables.numbers("sessions", "customer_id").max()) // 2
    for name in engines.TABLES:
        is_bot = np.isin(tables.numbers(name, "session_id"), chosen)
        tables.replace(name, "customer_id", np.where(is_bot, bot, tables.numbers(name, "customer_id")))


def single(tables, random):
    """Nine customers in ten have one session with one event and never come back."""
    import numpy as np
    ids = tables.numbers("sessions", "session_id")
    lonely = ids[random.random(len(ids)) < 0.75]
    first_free = int(tables.numbers("sessions", "customer_id").max()) + 1
    keys = first_free + random.permutation(int(ids.max()) + 1)
    events = tables.numbers("events", "session_id")
    _, first = np.unique(events, return_index=True)
    is_first = np.zeros(len(events), bool)
    is_first[first] = True
    tables.take("events", np.flatnonzero(~np.isin(events, lonely) | is_first))
    tables.take("orders", np.flatnonzero(~np.isin(tables.numbers("orders", "session_id"), lonely)))
    for name in ("sessions", "events"):
        of = tables.numbers(name, "session_id")
        tables.replace(name, "customer_id", np.where(np.isin(of, lonely), keys[of], tables.numbers(name, "customer_id")))


def late(tables, random):
    """One row in twenty comes up to a month late, and the others are out of order by minutes."""
    import numpy as np
    for name, column in engines.TIME_COLUMNS.items():
        times = tables.numbers(name, column).astype("datetime64[ms]").astype(np.int64)
        count = len(times)
        long = np.where(random.random(count) < 0.05, random.integers(0, 30 * 86_400_000, count), 0)
        delay = random.integers(0, 600_000, count) + long
        tables.take(name, np.argsort(times + delay, kind="stable"))


def wide(tables, random):
    """Events have a hundred columns: counters, amounts, words, and mostly empty ones."""
    import numpy as np
    import pyarrow as pa
    count = tables.tables["events"].num_rows
    words = pa.array([f"word-{number:03}" for number in range(500)])
    for number in range(100 - len(tables.tables["events"].column_names)):
        kind = number % 4
        if kind == 0:
            column = pa.array(random.integers(0, 10 ** (1 + number // 8 % 7), count))
        elif kind == 1:
            column = pa.array(np.round(random.exponential(30, count), 2))
        elif kind == 2:
            column = words.take(pa.array(random.zipf(1.5, count) % 500))
        else:
            column = pa.array(random.integers(0, 50, count), mask=random.random(count) < 0.95)
        tables.tables["events"] = tables.tables["events"].append_column(f"extra_{number:02}", column)


def same(_, __):
    """The shop itself, in parts that nothing has merged."""


class Shape:
    def __init__(self, change, sessions, ids="int", chunks=1, is_compacted=True):
        self.change, self.sessions, self.ids, self.chunks, self.is_compacted = change, sessions, ids, chunks, is_compacted


SHAPES = {
    "uuids": Shape(uuids, 300_000, ids="string"),
    "seconds": Shape(seconds, 300_000),
    "giant": Shape(giant, 600_000),
    "single": Shape(single, 600_000),
    "late": Shape(late, 300_000, chunks=CHUNKS),
    "wide": Shape(wide, 100_000),
    "parts": Shape(same, 300_000, chunks=CHUNKS, is_compacted=False),
}


class ShapedShop(compare.Shop):
    """A shop of another shape, loaded the way that its shape tells."""

    def __init__(self, name, shape, options, work, data):
        super().__init__(name, options, work, data)
        self.dukkan.chunks, self.dukkan.is_compacted = shape.chunks, shape.is_compacted
        self.dukkan.adds_columns = shape.change is wide

    def judge(self):
        self.bars += bars.speed(self.results, SPEED_SHARE)
        if self.dukkan.is_compacted:
            self.bars += bars.size(self.dukkan.size(), self.peers, self.parquet_byte_count, PARQUET)
        self.bars += bars.memory(self.dukkan.load_peak, self.results)


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/shapes",
        description="Compare Dukkan with DuckDB and ClickHouse on shops of unusual shapes: answers, memory, half of each "
        "speed bar, size. Ends with 1 where an answer differs or something that must be reached is missed.")
    parser.add_argument("--dukkan", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="some shapes, as uuids,giant (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many sessions")
    parser.add_argument("--seed", type=int, default=1, help="seed of the made-up data")
    parser.add_argument("--work", help="directory for data and stores, kept (default: a temporary one, removed)")
    parser.add_argument("--reuse", action="store_true", help="with --work: use what an earlier run loaded")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="times that the engines take turns (default 3)")
    parser.add_argument("--runs", type=int, default=3, help="runs of an engine in a turn (default 3)")
    parser.add_argument("--only", default="", help="some questions, as F1,S2")
    parser.add_argument("--answers-only", action="store_true", help="compare answers, measure nothing")
    parser.add_argument("--no-bars", action="store_true", help="end with 0 although a bar is missed")
    parser.add_argument("--json", help="file for the whole result as JSON")
    return parser.parse_args()


def shaped_data(shape, name, options, work):
    import numpy as np
    place = os.path.join(work, f"data-{name}")
    if not os.path.exists(os.path.join(place, "done")):
        options.ids = "int"
        tables = Tables(compare.make_data(options, work, int(shape.sessions * options.scale)))
        shape.change(tables, np.random.default_rng(options.seed))
        tables.write(place, shape.chunks)
        open(os.path.join(place, "done"), "w").close()
    return place


def run(options, work):
    shops = []
    for name in options.shapes.split(","):
        shape = SHAPES[name]
        print(f"\n{name}: {shape.change.__doc__}", flush=True)
        shop = ShapedShop(name, shape, options, os.path.join(work, name), shaped_data(shape, name, options, work))
        shop.load()
        shop.ask()
        shop.judge()
        for peer in shop.peers:
            peer.close()
        shops.append(shop)
    return compare.conclude(shops, [], options)


def main():
    options = arguments()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        return run(options, os.path.abspath(options.work))
    with tempfile.TemporaryDirectory(prefix="dukkan-shapes-") as work:
        return run(options, work)


if __name__ == "__main__":
    sys.exit(main())

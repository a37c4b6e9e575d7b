"""The engines that are compared: each loads the three tables from CSV, tells its size and answers questions."""

import json
import os
import shutil
import subprocess
import sys
import time

TIME_COLUMNS = {"sessions": "started_at", "events": "ts", "orders": "ordered_at"}
TABLES = list(TIME_COLUMNS)
LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")


def byte_count(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(path) for name in names)


def read_files(data):
    """Reads the files to be loaded once, so that they come from the system's cache."""
    for name in os.listdir(data):
        if name.endswith(".csv"):
            with open(os.path.join(data, name), "rb", buffering=0) as file:
                buffer = bytearray(1 << 20)
                while file.readinto(buffer):
                    pass


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    for name in (path, path + ".wal"):
        if os.path.isfile(name):
            os.remove(name)


class Dukkan:
    name = "dukkan"

    def __init__(self, tool, work, threads):
        self.tool, self.threads, self.work = os.path.abspath(tool), threads, work
        self.path = os.path.join(work, "compare.dukkan")
        self.load_seconds = None
        self.load_peak = None
        # Files of each table that are imported one after the other, and whether they are merged at the end.
        self.chunks, self.is_compacted = 1, True
        self.adds_columns = False

    def call(self, *arguments):
        """What a command prints, with its seconds and its peak memory."""
        report = os.path.join(self.work, "launch.json")
        run = subprocess.run([sys.executable, "-I", "-S", LAUNCHER, report, self.tool, *arguments],
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"dukkan {' '.join(arguments[:3])} ended with {run.returncode}:\n{run.stderr}")
        with open(report, encoding="utf-8") as file:
            return run.stdout, json.load(file)

    def load(self, data, string_customers, reuse):
        if reuse and os.path.isdir(self.path):
            return
        remove(self.path)
        self.load_seconds, self.load_peak = 0, 0
        threads = ("--threads", str(self.threads))
        self.step("init", self.path, "--schema", "commerce", "--ids", "string" if string_customers else "int")
        more = ("--add-columns",) if self.adds_columns else ()
        for chunk in range(self.chunks):
            for table in TABLES:
                file = f"{data}/{table}.csv" if self.chunks == 1 else f"{data}/{table}-{chunk:03}.csv"
                self.step("import", self.path, table, file, *threads, *more)
        if self.is_compacted:
            self.step("compact", self.path, *threads)

    def step(self, *arguments):
        """A command that belongs to loading."""
        _, cost = self.call(*arguments)
        self.load_seconds += cost["seconds"]
        self.load_peak = max(self.load_peak, cost["peak_bytes"])

    def size(self):
        return byte_count(self.path)

    def answers(self, statements_path):
        """The answers to all statements of a file, in order, and the peak memory of the process."""
        text, cost = self.call("query", self.path, "--file", statements_path, "--format", "json",
                               "--threads", str(self.threads))
        return [json.loads(line) for line in text.splitlines()], cost["peak_bytes"]

    def row_count(self):
        """Rows of all tables that the questions are about."""
        question = "; ".join(f"SELECT count(*) FROM {table}" for table in TABLES)
        text, _ = self.call("query", self.path, question, "--format", "json")
        return sum(json.loads(line)["rows"][0][0] for line in text.splitlines())

    def bench(self, statement_path, runs, threads=None):
        """Milliseconds of the runs of a file with one statement: median, and what was read."""
        text, _ = self.call("bench", self.path, "--file", statement_path, "--runs", str(runs), "--threads",
                            str(threads or self.threads), "--format", "json")
        return json.loads(text.splitlines()[0])

    def version(self):
        return "Dukkan " + self.call("--version")[0].strip()


class DuckDB:
    def __init__(self, work, threads, by_customer):
        self.name = "duckdb sorted" if by_customer else "duckdb"
        self.by_customer = by_customer
        self.path = os.path.join(work, f"compare-{'sorted' if by_customer else 'loaded'}.duckdb")
        self.threads = threads
        self.load_seconds = None

    def load(self, data, string_customers, reuse):
        import duckdb
        is_loaded = reuse and os.path.exists(self.path)
        if not is_loaded:
            remove(self.path)
        self.connection = duckdb.connect(self.path)
        self.connection.execute(f"SET threads = {self.threads}")
        self.library_version = self.connection.execute("SELECT version()").fetchone()[0]
        if is_loaded:
            return
        start = time.perf_counter()
        for table, column in TIME_COLUMNS.items():
            types = "types = {'customer_id': 'VARCHAR'}, " if string_customers else ""
            order = f"ORDER BY customer_id, {column}" if self.by_customer else ""
            self.connection.execute(
                f"CREATE TABLE {table} AS SELECT * FROM read_csv('{data}/{table}.csv', {types}nullstr = '') {order}")
        self.connection.execute("CHECKPOINT")
        self.load_seconds = time.perf_counter() - start

    def size(self):
        return byte_count(self.path)

    def variants(self, question):
        sql = question.sql["duckdb"]
        return [lambda: self.connection.execute(sql).fetchall()]

    def version(self):
        return "DuckDB " + self.library_version

    def close(self):
        self.connection.close()


class ClickHouse:
    name = "clickhouse"

    COLUMNS = {
        "sessions": "session_id Int64, customer_id {key}, started_at DateTime64(3, 'UTC'), duration_s Int32, country {word}, "
        "device {word}, channel {word}, campaign {perhaps}, landing_page {word}, pageviews Int32, bounced Bool",
        "events": "customer_id {key}, ts DateTime64(3, 'UTC'), event {word}, session_id Int64, product_id Nullable(Int32), "
        "category {perhaps}, country {word}, device {word}, value Nullable(Float64)",
        "orders": "order_id Int64, customer_id {key}, ordered_at DateTime64(3, 'UTC'), session_id Int64, status {word}, "
        "payment {word}, product_id Int32, category {word}, items Int32, revenue Float64, discount Float64, "
        "coupon {perhaps}, country {word}, device {word}",
    }

    def __init__(self, work, threads):
        self.path = os.path.join(work, "compare.chdb")
        self.threads = threads
        self.load_seconds = None
        self.byte_count = None

    def load(self, data, string_customers, reuse):
        from chdb import session
        is_loaded = reuse and os.path.isdir(self.path)
        if not is_loaded:
            remove(self.path)
        self.session = session.Session(self.path)
        self.library_version = self.query("SELECT version()")[0][0]
        if is_loaded:
            self.session.query("USE shop")
            return
        start = time.perf_counter()
        self.session.query("CREATE DATABASE shop ENGINE = Atomic")
        self.session.query("USE shop")
        words = {"key": "String" if string_customers else "Int64", "word": "LowCardinality(String)",
                 "perhaps": "LowCardinality(Nullable(String))"}
        for table, column in TIME_COLUMNS.items():
            columns = self.COLUMNS[table].format(**words) + more_columns(f"{data}/{table}.csv", self.COLUMNS[table])
            self.session.query(f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY (customer_id, {column})")
            quoted = columns.replace("'", "''")
            self.session.query(
                f"INSERT INTO {table} SELECT * FROM file('{os.path.abspath(data)}/{table}.csv', CSVWithNames, '{quoted}') "
                f"SETTINGS max_threads = {self.threads}, date_time_input_format = 'best_effort'")
        self.load_seconds = time.perf_counter() - start
        for table in TABLES:
            self.session.query(f"OPTIMIZE TABLE {table} FINAL")

    def query(self, sql, settings=""):
        return json.loads(str(self.session.query(f"{sql} {settings}", "JSONCompact")))["data"]

    def size(self):
        if self.byte_count is None:
            parts = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'shop'"
            self.byte_count = int(self.query(parts)[0][0])
        return self.byte_count

    def variants(self, question):
        """With and without aggregation in the order of the primary key: the faster one is its figure."""
        def variant(in_order):
            settings = (f"SETTINGS max_threads = {self.threads}, optimize_aggregation_in_order = {in_order}, "
                        "use_query_condition_cache = 0, output_format_json_quote_64bit_integers = 0, "
                        "join_algorithm = 'parallel_hash,hash'")
            return lambda: self.query(question.sql["clickhouse"], settings)
        return [variant(0), variant(1)]

    def version(self):
        return "ClickHouse " + self.library_version

    def close(self):
        self.size()
        self.session.close()


def more_columns(path, declared):
    """ClickHouse types of the columns that a file has beyond those declared, by the values of its first rows."""
    known = {column.split()[0] for column in declared.split(", ")}
    with open(path, encoding="utf-8") as file:
        names = [name.strip('"') for name in next(file).rstrip("\n").split(",")]
        if all(name in known for name in names):
            return ""
        rows = [line.rstrip("\n").split(",") for line, _ in zip(file, range(1000))]
    found = ""
    for place, name in enumerate(names):
        if name in known:
            continue
        values = [row[place] for row in rows if row[place]]
        kind = "LowCardinality(Nullable(String))"
        if all(value.lstrip("-").isdigit() for value in values):
            kind = "Nullable(Int64)"
        elif not any(value.startswith('"') for value in values):
            kind = "Nullable(Float64)"
        found += f", {name} {kind}"
    return found


def parquet_files(data, work, string_customers):
    """Paths of the three tables as Parquet with zstd, a million rows in a group: what a careful analyst keeps."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet
    small = {"duration_s", "pageviews", "product_id", "items"}
    words = {"country", "device", "channel", "campaign", "landing_page", "event", "category", "status", "payment", "coupon"}
    paths = {table: os.path.join(work, f"{table}.parquet") for table in TABLES}
    for table, path in paths.items():
        if os.path.exists(path):
            continue
        types = {name: pa.int32() for name in small} | {name: pa.dictionary(pa.int32(), pa.string()) for name in words}
        types |= {name: pa.timestamp("ms") for name in TIME_COLUMNS.values()}
        if string_customers:
            types["customer_id"] = pa.string()
        options = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
        rows = pa.csv.read_csv(f"{data}/{table}.csv", convert_options=options).unify_dictionaries()
        pa.parquet.write_table(rows, path, compression="zstd", row_group_size=1_000_000)
        del rows
    return paths

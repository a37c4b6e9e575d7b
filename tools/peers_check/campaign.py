"""Holds funnels and retention of Dukkan against ClickHouse and DuckDB on small random worlds."""

import argparse
import collections
import csv
import datetime
import json
import random
import subprocess
import sys
import tempfile

import chdb.session
import duckdb

from questions import Funnel, Retention, WindowFunnel

START = 1_735_689_600  # 2025-01-01


def world(chance):
    """Rows (number, customer, second, kind, session); few instants make many ties."""
    unit = chance.choice([1, 3_600, 21_600])
    instants = chance.choice([4, 10, 40])
    rows = []
    for customer in range(chance.randint(5, 30)):
        for _ in range(chance.randint(0, 7)):
            second = START + unit * chance.randrange(instants)
            rows.append((len(rows), customer, second, chance.choice("abcd"), chance.choice([1, 2, 3, None])))
    return unit, rows or [(0, 0, START, "a", 1)]


def ask_dukkan(tool, rows, statements):
    with tempfile.TemporaryDirectory() as folder:
        store, file = f"{folder}/store", f"{folder}/events.csv"
        with open(file, "w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["customer", "t", "kind", "sess"])
            for _, customer, second, kind, session in rows:
                time = datetime.datetime.fromtimestamp(second, datetime.timezone.utc).isoformat()
                writer.writerow([customer, time, kind, "" if session is None else session])
        schema = "CREATE TABLE events (customer INT CUSTOMER, t TIMESTAMP TIME, kind STRING, sess INT)"
        for arguments in (
            ["init", store], ["query", store, schema], ["import", store, "events", file]
        ):
            done = subprocess.run([tool, *arguments], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
        asked = subprocess.run(
            [tool, "query", store, "--format", "json"], input=";\n".join(statements), capture_output=True, text=True)
        if asked.returncode:
            sys.exit(asked.stderr)
    decoder, answers, text = json.JSONDecoder(), [], asked.stdout.strip()
    while text:
        answer, end = decoder.raw_decode(text)
        answers += answer if isinstance(answer, list) else [answer]
        text = text[end:].strip()
    return answers


def levels(answer):
    """The level of each customer, of a funnel broken down by customer."""
    found = {}
    for row in answer["rows"]:
        if row[0] is not None and row[3]:
            found[int(row[0])] = max(found.get(int(row[0]), 0), row[1])
    return found


def cells(answer):
    first = datetime.date(1970, 1, 1)
    return {((datetime.date.fromisoformat(row[0]) - first).days, row[1]): row[3] for row in answer["rows"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dukkan", required=True)
    parser.add_argument("--worlds", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    clickhouse, database = chdb.session.Session(), duckdb.connect()
    clickhouse.query("CREATE DATABASE IF NOT EXISTS peers")
    counts, differences = collections.Counter(), 0
    for number in range(options.worlds):
        chance = random.Random(options.seed * 1_000_000 + number)
        unit, rows = world(chance)
        questions = [Funnel(chance, unit) for _ in range(16)] + [WindowFunnel(chance, unit) for _ in range(10)]
        questions += [Retention(chance) for _ in range(14)]
        answers = ask_dukkan(options.dukkan, rows, [question.statement() for question in questions])
        database.execute("CREATE OR REPLACE TABLE events (n INT, customer INT, t BIGINT, kind TEXT, sess INT)")
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
        values = ", ".join(f"({n}, {customer}, {t}, '{kind}')" for n, customer, t, kind, _ in rows)
        clickhouse.query("DROP TABLE IF EXISTS peers.events")
        clickhouse.query("CREATE TABLE peers.events (n Int32, customer Int32, t Int64, kind String) ENGINE = Memory")
        clickhouse.query(f"INSERT INTO peers.events VALUES {values}")
        for question, answer in zip(questions, answers, strict=True):
            if isinstance(question, Funnel):
                peer, found, wanted = "DuckDB", levels(answer), question.ask_duckdb(database)
            elif isinstance(question, WindowFunnel):
                text = clickhouse.query(question.sql().replace("FROM events", "FROM peers.events"), "CSV").bytes()
                lines = (line.split(",") for line in text.decode().split())
                peer, found = "ClickHouse", levels(answer)
                wanted = {int(customer): int(level) for customer, level in lines}
            else:
                peer, found = "DuckDB", cells(answer)
                wanted = {(int(c), int(k)): v for c, k, v in database.execute(question.sql()).fetchall()}
            counts.update([peer] + [f"{peer}: {name}" for name in question.names()])
            if found != wanted:
                differences += 1
                if differences <= 5:
                    print(f"world {number} of seed {options.seed}: {question.statement()}\n  Dukkan {found}\n"
                          f"  {peer} {wanted}\n  {rows}")
    print(f"{counts['DuckDB'] + counts['ClickHouse']} questions, {differences} differences")
    for name, count in sorted(counts.items()):
        print(f"  {name}: {count}")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()

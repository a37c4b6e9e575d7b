"""See tools/compare."""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

import bars
import engines
import measuring
from questions import questions

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOAD = os.path.join(HERE, "..", "workload", "workload.dukkan")
SESSIONS = {"S": 2_000_000, "L": 10_000_000}
# Questions that show what a second thread brings.
THREADED = ("F1", "F2", "R1", "S4", "B1")


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/compare",
        description="Compare Dukkan with DuckDB and ClickHouse on one shop's data: answers, times, sizes and memory. "
        "Ends with 1 where an answer differs or something that must be reached is missed.")
    parser.add_argument("--dukkan", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--size", choices=["S", "L", "both"], default="S",
                        help="S: 2 million sessions (default); L: 10 million, and what a second thread brings; "
                        "both: also the cost of a row on L against S")
    parser.add_argument("--sessions", type=int, help="another number of sessions")
    parser.add_argument("--seed", type=int, default=1, help="seed of the made-up data")
    parser.add_argument("--ids", choices=["int", "string"], default="int", help="customer keys of the made-up data")
    parser.add_argument("--data", action="append", default=[],
                        help="directory with sessions.csv, events.csv and orders.csv instead; with --size both two of them")
    parser.add_argument("--work", help="directory for data and stores, kept (default: a temporary one, removed)")
    parser.add_argument("--reuse", action="store_true", help="with --work: use what an earlier run loaded")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="times that the engines take turns (default 3)")
    parser.add_argument("--runs", type=int, default=3, help="runs of an engine in a turn (default 3)")
    parser.add_argument("--only", default="", help="some questions, as F1,S2")
    parser.add_argument("--answers-only", action="store_true", help="compare answers, measure nothing")
    parser.add_argument("--no-bars", action="store_true", help="end with 0 although a bar is missed")
    parser.add_argument("--no-polars", action="store_true", help="leave out the slices against Polars in memory")
    parser.add_argument("--json", help="file for the whole result as JSON")
    return parser.parse_args()


def statements():
    """Identifier -> text of each statement of the workload."""
    found = {}
    with open(WORKLOAD, encoding="utf-8") as file:
        name = None
        for line in file:
            comment = re.match(r"--\s+(\S+)\s", line)
            if comment:
                name = comment.group(1)
            elif line.strip() and name:
                found[name] = found.get(name, "") + line
    return found


def make_data(options, work, sessions):
    data = os.path.join(work, f"data-{sessions}-{options.seed}-{options.ids}")
    if not os.path.exists(os.path.join(data, "orders.csv")):
        print(f"making up {sessions:,} sessions", flush=True)
        subprocess.run(
            [options.dukkan, "generate", data, "--sessions", str(sessions), "--seed", str(options.seed),
             "--ids", options.ids, "--force", "--quiet"], check=True, stderr=subprocess.DEVNULL)
    return data


def first_customer(data):
    with open(f"{data}/events.csv", encoding="utf-8") as file:
        names = [name.strip('"') for name in next(file).strip().split(",")]
        return next(file).strip().split(",")[names.index("customer_id")].strip('"')


def machine():
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{os.cpu_count()} x {model}"


class Shop:
    """One set of data in all engines: what was loaded, measured and found different."""

    def __init__(self, name, options, work, data):
        self.name, self.options, self.work, self.data = name, options, work, data
        os.makedirs(work, exist_ok=True)
        key = first_customer(data)
        self.string_customers = not (key.isdigit() and len(key) < 16)
        self.customer = f"'{key}'" if self.string_customers else "4711" if name in SESSIONS else key
        self.dukkan = engines.Dukkan(options.dukkan, work, options.threads)
        self.peers = [engines.DuckDB(work, options.threads, False), engines.DuckDB(work, options.threads, True),
                      engines.ClickHouse(work, options.threads)]
        self.parquet, self.paths, self.results, self.problems, self.bars = {}, {}, {}, [], []

    def load(self):
        for engine in [self.dukkan, *self.peers]:
            print(f"loading {engine.name}", flush=True)
            # Else the first engine would bring the files into the system's cache for all others.
            if not self.options.reuse:
                engines.read_files(self.data)
            engine.load(self.data, self.string_customers, self.options.reuse)
        self.parquet = engines.parquet_files(self.data, self.work, self.string_customers)
        print(f"\n{'':16} {'load s':>8} {'MB':>8}")
        for engine in [self.dukkan, *self.peers]:
            load = f"{engine.load_seconds:8.1f}" if engine.load_seconds is not None else f"{'-':>8}"
            print(f"{engine.name:16} {load} {engine.size() / 1e6:8.1f}")
        print(f"{'parquet (zstd)':16} {'-':>8} {self.parquet_byte_count / 1e6:8.1f}")

    @property
    def parquet_byte_count(self):
        return sum(map(os.path.getsize, self.parquet.values()))

    def ask(self):
        wanted = [name for name in self.options.only.split(",") if name]
        texts = statements()
        print(f"\n{'':4} {'rows':>6} {'dukkan':>9}" + "".join(f" {peer.name:>14}" for peer in self.peers)
              + f" {'ratio':>7}  answers", flush=True)
        for question in questions(self.customer):
            name = question.identifier
            if wanted and name not in wanted:
                continue
            self.paths[name] = os.path.join(self.work, f"statement-{name}.dukkan")
            with open(self.paths[name], "w", encoding="utf-8") as file:
                file.write(f"-- {name} \n" + texts[name].replace("customer = 4711", f"customer = {self.customer}"))
            self.ask_one(question)

    def ask_one(self, question):
        name = question.identifier
        answers, peak = self.dukkan.answers(self.paths[name])
        best, found, cost = measuring.measure(question, self.dukkan, self.peers, self.options, self.paths[name])
        wrong, cells = measuring.differences(question, answers[0], found)
        self.problems += [f"{self.name}: {text}" for text in wrong]
        fastest = min((best[peer.name] for peer in self.peers if peer.name in best), default=None)
        ratio = fastest / best[self.dukkan.name] if fastest and best.get(self.dukkan.name) else None
        self.results[name] = {"milliseconds": best, "ratio": ratio, "group": question.group, "cells": cells,
                              "equal": not wrong, "peak_bytes": peak, **cost}
        shown = lambda value: f"{value:9.2f}" if value is not None else f"{'-':>9}"
        print(f"{name:4} {len(answers[0]['rows']):6} {shown(best.get(self.dukkan.name))}"
              + "".join(f"      {shown(best.get(peer.name))}" for peer in self.peers)
              + (f" {ratio:7.1f}" if ratio is not None else f" {'-':>7}")
              + f"  {'equal, ' + str(cells) + ' cells' if not wrong else 'DIFFERENT'}", flush=True)

    def judge(self):
        self.bars += bars.speed(self.results)
        self.bars += bars.size(self.dukkan.size(), self.peers, self.parquet_byte_count)
        self.bars += bars.loading(self.dukkan, self.peers)
        self.bars += bars.memory(self.dukkan.load_peak, self.results)

    def compare_threads(self):
        """What a second thread brings."""
        for name in THREADED:
            if name not in self.paths:
                continue
            one, two = measuring.in_turn(
                [lambda count=count: self.dukkan.bench(self.paths[name], self.options.runs, count)["median_ms"]
                 for count in (1, 2)], self.options.rounds)
            self.results[name]["one_thread_ms"] = one
            self.bars.append(bars.Bar(f"{name} with two threads against one", one / two, bars.THREADS, at_least=True))

    def compare_polars(self):
        import slices_in_memory
        polars = slices_in_memory.Polars(self.parquet)
        found, wrong = polars.compare(self.dukkan, self.paths, self.options)
        self.problems += [f"{self.name}: {text}" for text in wrong]
        for name, result in found.items():
            self.results[name]["in_memory"] = result
            self.bars.append(
                bars.Bar(f"{name} faster than {polars.version()}", result["ratio"], 1, at_least=True, is_must=False))

    def report(self):
        return {"size": self.name, "parquet_bytes": self.parquet_byte_count,
                "engines": {e.name: {"load_s": e.load_seconds, "bytes": e.size()} for e in [self.dukkan, *self.peers]},
                "questions": self.results, "differences": self.problems, "bars": [bar.report() for bar in self.bars]}


def compare_sizes(small, large, options):
    """How much more a row costs on the larger shop."""
    found = []
    rows = {shop.name: shop.dukkan.row_count() for shop in (small, large)}
    for name, path in large.paths.items():
        mine = large.results[name]["milliseconds"][large.dukkan.name]
        if mine <= bars.SIZE_COST_MILLISECONDS_MIN or name not in small.paths:
            continue
        small_time, large_time = measuring.in_turn(
            [lambda: small.dukkan.bench(small.paths[name], options.runs)["median_ms"],
             lambda: large.dukkan.bench(path, options.runs)["median_ms"]], options.rounds)
        cost = (large_time / rows[large.name]) / (small_time / rows[small.name])
        found.append(bars.Bar(f"{name} time per row, {large.name} against {small.name}", cost, bars.SIZE_COST))
    return found


def conclude(shops, more, options):
    """Prints what was reached; returns the exit code."""
    for shop in shops:
        print(f"\nbars of {shop.name}")
        for bar in shop.bars:
            print(bar.text())
    if more:
        print("\nbars of both")
        for bar in more:
            print(bar.text())
    problems = [text for shop in shops for text in shop.problems]
    for problem in problems:
        print("DIFFERENT:", problem)
    versions = [shops[0].dukkan.version(), *sorted({peer.version() for peer in shops[0].peers})]
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"\n{machine()}, {load}; {options.threads} threads; medians in milliseconds; {', '.join(versions)}")
    if options.json:
        report = {"machine": machine(), "load": os.getloadavg(), "threads": options.threads, "versions": versions,
                  "shops": [shop.report() for shop in shops], "bars": [bar.report() for bar in more]}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    if problems:
        print("answers differ", file=sys.stderr)
        return 1
    print("all answers are equal")
    missed = [bar for bar in [*more, *(bar for shop in shops for bar in shop.bars)] if bar.is_must and not bar.is_met]
    if missed:
        print(f"{len(missed)} bars are missed", file=sys.stderr)
    return 1 if missed and not options.no_bars else 0


def run(options, work):
    names = ["S", "L"] if options.size == "both" else [options.size]
    shops = []
    for place, name in enumerate(names):
        sessions = SESSIONS[name]
        if options.sessions and options.size != "both":
            name, sessions = f"{options.sessions:,} sessions", options.sessions
        data = os.path.abspath(options.data[place]) if place < len(options.data) else make_data(options, work, sessions)
        shop = Shop(name, options, os.path.join(work, f"shop-{names[place]}"), data)
        shop.load()
        shop.ask()
        shop.judge()
        if not options.answers_only:
            if name == "L":
                shop.compare_threads()
            if not options.no_polars:
                shop.compare_polars()
        shops.append(shop)
        if len(names) > 1:
            for peer in shop.peers:
                peer.close()
    more = compare_sizes(*shops, options) if len(shops) == 2 and not options.answers_only else []
    return conclude(shops, more, options)


def main():
    options = arguments()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        return run(options, os.path.abspath(options.work))
    with tempfile.TemporaryDirectory(prefix="dukkan-compare-") as work:
        return run(options, work)


if __name__ == "__main__":
    sys.exit(main())

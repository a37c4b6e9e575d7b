"""See tools/compare."""

import argparse
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import answers
import engines
from questions import questions

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOAD = os.path.join(HERE, "..", "workload", "workload.dukkan")
# How many times faster than the fastest peer a question must be, by the group it stands in.
SPEED_BARS = {"funnel": 6.0, "customer": 6.0, "slice": 2.0}
MEAN_BAR = 8.0
RATIO_MAX = 40.0
PARQUET_BAR = 0.72
DUCKDB_BAR = 0.50


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/compare",
        description="Compare Dukkan with DuckDB and ClickHouse on one shop's data: answers, times and sizes. "
        "Ends with 1 where an answer differs, with --bars also where a bar is missed.")
    parser.add_argument("--dukkan", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, default=2_000_000, help="size of the made-up data (default 2,000,000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the made-up data")
    parser.add_argument("--ids", choices=["int", "string"], default="int", help="customer keys of the made-up data")
    parser.add_argument("--data", help="directory with sessions.csv, events.csv and orders.csv instead")
    parser.add_argument("--work", help="directory for data and stores, kept (default: a temporary one, removed)")
    parser.add_argument("--reuse", action="store_true", help="with --work: use what an earlier run loaded")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="times that the engines take turns (default 3)")
    parser.add_argument("--runs", type=int, default=3, help="runs of an engine in a turn (default 3)")
    parser.add_argument("--only", default="", help="some questions, as F1,S2")
    parser.add_argument("--answers-only", action="store_true", help="compare answers, measure nothing")
    parser.add_argument("--bars", action="store_true", help="also end with 1 where a speed or size bar is missed")
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


def data_directory(options, work):
    if options.data:
        return os.path.abspath(options.data)
    data = os.path.join(work, f"data-{options.sessions}-{options.seed}-{options.ids}")
    if not os.path.exists(os.path.join(data, "orders.csv")):
        print(f"making up {options.sessions:,} sessions", flush=True)
        subprocess.run(
            [options.dukkan, "generate", data, "--sessions", str(options.sessions), "--seed", str(options.seed),
             "--ids", options.ids, "--force", "--quiet"], check=True, stderr=subprocess.DEVNULL)
    return data


def first_customer(data):
    with open(f"{data}/events.csv", encoding="utf-8") as file:
        names = [name.strip('"') for name in next(file).strip().split(",")]
        return next(file).strip().split(",")[names.index("customer_id")]


def milliseconds(run):
    start = time.perf_counter()
    rows = run()
    return (time.perf_counter() - start) * 1000, rows


def measure(question, dukkan, peers, options, statement_path):
    """Times of all engines, taking turns; also the answer of each peer."""
    times = {dukkan.name: []}
    found, cost = {}, {}
    for round_number in range(options.rounds):
        if not options.answers_only:
            report = dukkan.bench(statement_path, options.runs)
            times[dukkan.name].append(report["median_ms"])
            cost = {"rows_scanned": report["rows_scanned"], "bytes_read": report["bytes_read"]}
        for peer in peers:
            for number, variant in enumerate(peer.variants(question)):
                if round_number == 0:
                    found[peer.name] = variant()  # the first run also warms up
                    if options.answers_only:
                        break
                key = (peer.name, number)
                times.setdefault(key, []).append(
                    statistics.median(milliseconds(variant)[0] for _ in range(options.runs)))
        if options.answers_only:
            break
    best = {}
    for key, values in times.items():
        if values:
            name = key if isinstance(key, str) else key[0]
            best[name] = min(best.get(name, math.inf), statistics.median(values))
    return best, found, cost


def compare(question, ours, found):
    """Differences to each peer, as text, and the number of cells compared."""
    mine = answers.from_dukkan(ours, question.shape)
    problems = []
    for name, rows in found.items():
        for difference in answers.differences(mine, answers.from_peer(rows, question.shape)):
            problems.append(f"{question.identifier} against {name}: {difference}")
    return problems, answers.cell_count(mine)


def machine():
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{os.cpu_count()} x {model}"


def print_loads(dukkan, peers, parquet):
    print(f"\n{'':16} {'load s':>8} {'MB':>8}")
    for engine in [dukkan, *peers]:
        load = f"{engine.load_seconds:8.1f}" if engine.load_seconds is not None else f"{'-':>8}"
        print(f"{engine.name:16} {load} {engine.size() / 1e6:8.1f}")
    print(f"{'parquet (zstd)':16} {'-':>8} {parquet / 1e6:8.1f}")


def bars(results, dukkan, peers, parquet):
    """Each bar with its value and whether it is met."""
    found = []
    ratios = {name: result["ratio"] for name, result in results.items() if result.get("ratio")}
    if ratios:
        mean = math.exp(statistics.fmean(math.log(min(ratio, RATIO_MAX)) for ratio in ratios.values()))
        found.append((f"geometric mean of {len(ratios)} ratios", mean, f">= {MEAN_BAR:g}", mean >= MEAN_BAR))
        for name, ratio in ratios.items():
            bar = SPEED_BARS[results[name]["group"]]
            found.append((f"{name} faster than the fastest peer", ratio, f">= {bar:g}", ratio >= bar))
    size = dukkan.size()
    found.append(("bytes on disk / Parquet", size / parquet, f"<= {PARQUET_BAR}", size / parquet <= PARQUET_BAR))
    for peer in peers:
        if peer.name == "duckdb":
            share = size / peer.size()
            found.append(("bytes on disk / DuckDB as loaded", share, f"<= {DUCKDB_BAR}", share <= DUCKDB_BAR))
    loads = [peer.load_seconds for peer in peers if peer.load_seconds]
    if loads and dukkan.load_seconds:
        share = dukkan.load_seconds / min(loads)
        found.append(("import time / fastest peer's", share, "<= 1", share <= 1))
    return found


def run(options, work):
    data = data_directory(options, work)
    key = first_customer(data)
    string_customers = not (key.isdigit() and len(key) < 16)
    customer = f"'{key}'" if string_customers else "4711"
    dukkan = engines.Dukkan(options.dukkan, work, options.threads)
    peers = [engines.DuckDB(work, options.threads, False), engines.DuckDB(work, options.threads, True),
             engines.ClickHouse(work, options.threads)]
    for engine in [dukkan, *peers]:
        print(f"loading {engine.name}", flush=True)
        engine.load(data, string_customers, options.reuse)
    parquet = engines.parquet_byte_count(data, work, string_customers)
    print_loads(dukkan, peers, parquet)

    wanted = [name for name in options.only.split(",") if name]
    texts = statements()
    results, problems = {}, []
    header = f"\n{'':4} {'rows':>6} {'dukkan':>9}" + "".join(f" {peer.name:>14}" for peer in peers) + f" {'ratio':>7}  answers"
    print(header, flush=True)
    for question in questions(customer):
        name = question.identifier
        if wanted and name not in wanted:
            continue
        path = os.path.join(work, f"statement-{name}.dukkan")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"-- {name} \n" + texts[name].replace("customer = 4711", f"customer = {customer}"))
        ours = dukkan.answers(path)[0]
        best, found, cost = measure(question, dukkan, peers, options, path)
        wrong, cells = compare(question, ours, found)
        problems += wrong
        fastest = min((best[peer.name] for peer in peers if peer.name in best), default=None)
        ratio = fastest / best[dukkan.name] if fastest and best.get(dukkan.name) else None
        results[name] = {"milliseconds": best, "ratio": ratio, "group": question.group, "cells": cells,
                         "equal": not wrong, **cost}
        shown = lambda value: f"{value:9.2f}" if value is not None else f"{'-':>9}"
        print(f"{name:4} {len(ours['rows']):6} {shown(best.get(dukkan.name))}"
              + "".join(f"      {shown(best.get(peer.name))}" for peer in peers)
              + (f" {ratio:7.1f}" if ratio is not None else f" {'-':>7}")
              + f"  {'equal, ' + str(cells) + ' cells' if not wrong else 'DIFFERENT'}", flush=True)
    met = bars(results, dukkan, peers, parquet)
    print("\nbars")
    for what, value, bar, is_met in met:
        print(f"  {'met   ' if is_met else 'MISSED'} {what}: {value:.2f} (must be {bar})")
    for problem in problems:
        print("DIFFERENT:", problem)
    print(f"\n{machine()}; {options.threads} threads; medians in milliseconds; "
          + ", ".join(sorted({peer.version() for peer in peers})))
    if options.json:
        report = {
            "machine": machine(), "threads": options.threads, "sessions": options.sessions,
            "versions": sorted({peer.version() for peer in peers}), "parquet_bytes": parquet,
            "engines": {e.name: {"load_s": e.load_seconds, "bytes": e.size()} for e in [dukkan, *peers]},
            "questions": results, "differences": problems,
            "bars": [{"what": w, "value": v, "must": b, "met": m} for w, v, b, m in met]}
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    if problems:
        print("answers differ", file=sys.stderr)
        return 1
    print("all answers are equal")
    return 1 if options.bars and not all(is_met for _, _, _, is_met in met) else 0


def main():
    options = arguments()
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        return run(options, os.path.abspath(options.work))
    with tempfile.TemporaryDirectory(prefix="dukkan-compare-") as work:
        return run(options, work)


if __name__ == "__main__":
    sys.exit(main())

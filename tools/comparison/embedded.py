"""See tools/embedded."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import bars
import compare
import engines

SIZE_BYTES = 5_000_000
OPEN_MILLISECONDS = 10.0
COMMIT_RATE = 0.5
COMMIT_GROWTH = 1.5
SCATTERED = 2.0
WRITTEN = 8.0
# Parts that the store is cut into, by table: a hundred of events and what a store may have beside them.
PARTS = {"sessions": 50, "events": 100, "orders": 50}
STATEMENT = "SELECT count(*), min(ts), max(ts) FROM events WHERE customer = 4711"


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/embedded",
        description="Measure what an application meets that links the library. Ends with 1 where something that must be "
        "reached is missed.")
    parser.add_argument("--dukkan", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--application", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--data", help="directory with sessions.csv, events.csv and orders.csv (default: made up)")
    parser.add_argument("--sessions", type=int, default=2_000_000, help="size of the made-up data (default 2,000,000)")
    parser.add_argument("--commits", type=int, default=1000, help="durable commits (default 1000)")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a commit (default 1000)")
    parser.add_argument("--only", default="size,commits,open", help="some of size,commits,open")
    parser.add_argument("--no-bars", action="store_true", help="end with 0 although a bar is missed")
    parser.add_argument("--json", help="file for the whole result as JSON")
    return parser.parse_args()


def call(application, *words):
    run = subprocess.run([application, *words], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{' '.join(words[:2])} ended with {run.returncode}:\n{run.stderr}")
    return json.loads(run.stdout) if run.stdout.strip() else None


def measure_size(options, work):
    """The stripped executable, whose Swift runtime is in libraries of its own, and what it links."""
    stripped = os.path.join(work, "application")
    shutil.copy(options.application, stripped)
    subprocess.run(["strip", stripped], check=True)
    linked = subprocess.run(["ldd", stripped], capture_output=True, text=True).stdout if shutil.which("ldd") else ""
    foundation = sum("Foundation" in line for line in linked.splitlines())
    size = os.path.getsize(stripped)
    return {"bytes": size, "libraries": [line.split()[0] for line in linked.splitlines() if line.strip()]}, [
        bars.Bar("megabytes of a stripped application", size / 1e6, SIZE_BYTES / 1e6),
        bars.Bar("Foundation libraries that it links", foundation, 0)]


def measure_commits(options, work):
    found, met = {}, []
    for late in (0, 5):
        store = os.path.join(work, f"commits-{late}.dukkan")
        result = call(options.application, "commits", store, str(options.commits), str(options.rows), str(late))
        shutil.rmtree(store)
        shutil.rmtree(store + ".bare")
        shutil.rmtree(store + ".one")
        found[f"late_{late}"] = result
        print(json.dumps(result), flush=True)
        name = f"{late} % late"
        met += [
            bars.Bar(f"rate of durable commits / that of a bare program, {name}",
                     result["commits_per_second"] / result["bare_per_second"], COMMIT_RATE, at_least=True),
            bars.Bar(f"bytes of commit {options.commits} / those of commit 10, {name}",
                     result["last_bytes"] / result["tenth_bytes"], COMMIT_GROWTH),
            bars.Bar(f"bytes written / bytes stored, {name}", result["bytes_written"] / result["bytes_stored"], WRITTEN),
            bars.Bar(f"bytes written with the final compaction / bytes stored then, {name}",
                     result["bytes_written_in_all"] / result["bytes_compacted"], WRITTEN)]
        for question, scattered, whole in zip(("funnel", "slice"), result["scattered_ms"], result["one_part_ms"]):
            met.append(bars.Bar(f"{question} over {result['parts']} parts / over one, {name}", scattered / whole, SCATTERED))
    return found, met


def cut(path, place, count):
    """A CSV file in pieces of whole lines, each with the header."""
    name, size = os.path.basename(path)[:-4], os.path.getsize(path)
    files = []
    with open(path, "rb") as file:
        header = file.readline()
        for number in range(count):
            files.append(os.path.join(place, f"{name}-{number:03}.csv"))
            with open(files[-1], "wb") as output:
                output.write(header)
                output.write(file.read(max(0, size * (number + 1) // count - file.tell())))
                output.write(file.readline())
    return files


def measure_opening(options, work):
    options.seed, options.ids = 1, "int"
    data = options.data or compare.make_data(options, work, options.sessions)
    store = os.path.join(work, "cut.dukkan")
    subprocess.run([options.dukkan, "init", store, "--schema", "commerce", "--ids", "int"], check=True,
                   capture_output=True)
    for table in engines.TABLES:
        files = cut(os.path.join(data, f"{table}.csv"), work, PARTS[table])
        call(options.application, "cut", store, table, *files)
        for file in files:
            os.remove(file)
    result = call(options.application, "open", store, STATEMENT)
    print(json.dumps(result), flush=True)
    return result, [bars.Bar(f"milliseconds to open {sum(PARTS.values())} parts and answer for one customer",
                             result["open_and_answer_ms"], OPEN_MILLISECONDS)]


def main():
    options = arguments()
    report, met = {}, []
    with tempfile.TemporaryDirectory(prefix="dukkan-embedded-") as work:
        for name, measure in (("size", measure_size), ("commits", measure_commits), ("open", measure_opening)):
            if name in options.only.split(","):
                report[name], found = measure(options, work)
                met += found
    print("\nbars")
    for bar in met:
        print(bar.text())
    print(f"\n{compare.machine()}, load {os.getloadavg()[0]:.1f}")
    if options.json:
        report["bars"] = [bar.report() for bar in met]
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    return 1 if not options.no_bars and not all(bar.is_met for bar in met) else 0


if __name__ == "__main__":
    sys.exit(main())

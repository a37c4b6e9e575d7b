"""The bars that the project sets itself: each with its value and whether it is met."""

import math
import statistics

# How many times faster than the fastest peer a question must be, by the group it stands in.
SPEED = {"funnel": 6.0, "customer": 6.0, "slice": 2.0}
MEAN = 8.0
# A ratio counts at most this much in the mean.
RATIO_MAX = 40.0
PARQUET = 0.72
DUCKDB = 0.50
IMPORT = 1.0
IMPORT_PEAK = 1 << 30
QUERY_PEAK = 512 << 20
THREADS = 1.6
SIZE_COST = 1.3
# Questions that take less are measured in overheads, not in rows.
SIZE_COST_MILLISECONDS_MIN = 5.0


class Bar:
    def __init__(self, what, value, limit, at_least=False, unit="x", is_must=True):
        self.what, self.value, self.limit, self.at_least, self.unit = what, value, limit, at_least, unit
        self.is_must = is_must

    @property
    def is_met(self):
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def text(self):
        scale, suffix = (1 << 20, " MiB") if self.unit == "bytes" else (1, "")
        sign = ">=" if self.at_least else "<="
        state = ("met   " if self.is_met else "MISSED") if self.is_must else "aim   "
        return f"  {state} {self.what}: {self.value / scale:.2f}{suffix} ({sign} {self.limit / scale:g}{suffix})"

    def report(self):
        return {"what": self.what, "value": self.value, "limit": self.limit, "at_least": self.at_least,
                "must": self.is_must, "met": self.is_met}


def speed(results, share=1.0):
    """Each question against the fastest peer; `share` of the bars is asked for."""
    ratios = {name: result["ratio"] for name, result in results.items() if result.get("ratio")}
    if not ratios:
        return []
    mean = math.exp(statistics.fmean(math.log(min(ratio, RATIO_MAX)) for ratio in ratios.values()))
    found = [Bar(f"geometric mean of {len(ratios)} ratios", mean, MEAN * share, at_least=True)]
    for name, ratio in ratios.items():
        limit = SPEED[results[name]["group"]] * share
        found.append(Bar(f"{name} faster than the fastest peer", ratio, limit, at_least=True))
    return found


def size(dukkan, peers, parquet, limit=PARQUET):
    found = [Bar("bytes on disk / Parquet", dukkan / parquet, limit)]
    if limit == PARQUET:
        found += [Bar("bytes on disk / DuckDB as loaded", dukkan / peer.size(), DUCKDB)
                  for peer in peers if peer.name == "duckdb"]
    return found


def loading(dukkan, peers):
    loads = [peer.load_seconds for peer in peers if peer.load_seconds]
    if not loads or not dukkan.load_seconds:
        return []
    return [Bar("import time / fastest peer's", dukkan.load_seconds / min(loads), IMPORT)]


def memory(load_peak, results):
    found = [Bar("peak memory of the import", load_peak, IMPORT_PEAK, unit="bytes")] if load_peak else []
    name = max(results, key=lambda name: results[name]["peak_bytes"], default=None)
    if name:
        found.append(
            Bar(f"peak memory of a query ({name})", results[name]["peak_bytes"], QUERY_PEAK, unit="bytes"))
    return found

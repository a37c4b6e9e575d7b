"""Times of the engines, taking turns, so that what else the machine does meets all of them."""

import math
import statistics
import time

import answers


def milliseconds(run):
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1000


def measure(question, dukkan, peers, options, statement_path):
    """The median of each engine's best variant, the rows that each peer answers, and what Dukkan read."""
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
                times.setdefault(key, []).append(statistics.median(milliseconds(variant) for _ in range(options.runs)))
        if options.answers_only:
            break
    best = {}
    for key, values in times.items():
        if values:
            name = key if isinstance(key, str) else key[0]
            best[name] = min(best.get(name, math.inf), statistics.median(values))
    return best, found, cost


def differences(question, ours, found):
    """Differences to each peer, as text, and the number of cells compared."""
    mine = answers.from_dukkan(ours, question.shape)
    problems = []
    for name, rows in found.items():
        for difference in answers.differences(mine, answers.from_peer(rows, question.shape)):
            problems.append(f"{question.identifier} against {name}: {difference}")
    return problems, answers.cell_count(mine)


def in_turn(runs, rounds):
    """Medians of several measurements, each a function that gives milliseconds, taken in turn."""
    found = [[] for _ in runs]
    for _ in range(rounds):
        for place, run in enumerate(runs):
            found[place].append(run())
    return [statistics.median(values) for values in found]

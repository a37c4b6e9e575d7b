"""The slices in Polars, on tables that are decoded in memory already: what a data scientist has at hand."""

import datetime

import answers
import measuring

START, END = datetime.datetime(2025, 8, 1), datetime.datetime(2025, 11, 1)


def queries(pl, sessions, events):
    customers = pl.col("customer_id").n_unique()
    autumn = ((pl.col("event") == "add_to_cart") & (pl.col("device") == "mobile")
              & (pl.col("ts") >= START) & (pl.col("ts") < END))
    return {
        "S1": lambda: events.lazy().filter(autumn).group_by("country").agg(
            pl.len(), pl.col("value").sum(), customers).sort(pl.col("country").cast(pl.String)),
        "S2": lambda: events.lazy().group_by(pl.col("ts").dt.date()).agg(customers).sort("ts"),
        "S3": lambda: events.lazy().filter(pl.col("event") == "view_item").group_by("product_id").agg(
            pl.col("value").sum(), pl.len()).sort(["value", "product_id"], descending=[True, False]).head(20),
        "S4": lambda: events.lazy().group_by("country", "device", "event").agg(pl.len(), pl.col("value").mean()).sort(
            [pl.col(name).cast(pl.String) for name in ("country", "device", "event")]),
        "S5": lambda: sessions.lazy().filter(
            pl.col("landing_page").cast(pl.String).str.contains("item-42", literal=True)).group_by("channel").agg(
            pl.len(), pl.col("duration_s").mean(), pl.col("bounced").sum()).sort(pl.col("channel").cast(pl.String)),
        "S6": lambda: events.lazy().select(
            pl.len(), pl.col("value").sum(), pl.col("ts").min().alias("first"), pl.col("ts").max().alias("last")),
    }


class Polars:
    name = "polars"

    def __init__(self, tables):
        """`tables`: paths of the Parquet files by the tables' names."""
        import polars
        self.library = polars
        self.queries = queries(polars, polars.read_parquet(tables["sessions"]), polars.read_parquet(tables["events"]))

    def compare(self, dukkan, paths, options):
        """Prints a line for each slice; returns milliseconds of both, and differences."""
        found, problems = {}, []
        print(f"\n{'':4} {'dukkan':>9} {'polars':>9} {'ratio':>7}  (the whole table decoded in memory)", flush=True)
        for name, path in paths.items():
            if name not in self.queries:
                continue
            query = self.queries[name]
            rows = query().collect().rows()
            ours = answers.from_dukkan(dukkan.answers(path)[0][0], "rows")
            problems += [f"{name} against polars: {text}"
                         for text in answers.differences(ours, answers.from_peer(rows, "rows"))]
            mine, theirs = measuring.in_turn(
                [lambda: dukkan.bench(path, options.runs)["median_ms"],
                 lambda: sorted(measuring.milliseconds(query().collect) for _ in range(options.runs))[options.runs // 2]],
                options.rounds)
            found[name] = {"dukkan_ms": mine, "polars_ms": theirs, "ratio": theirs / mine}
            print(f"{name:4} {mine:9.2f} {theirs:9.2f} {theirs / mine:7.1f}", flush=True)
        return found, problems

    def version(self):
        return "Polars " + self.library.__version__

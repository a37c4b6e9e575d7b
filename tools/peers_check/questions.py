"""Random questions, each as a statement of Dukkan and as what a peer is asked."""

MODES = ["strict_deduplication", "strict_increase", "strict_once", "strict_order"]
DAY = 86_400


class Funnel:
    """Steps by kinds, a window, and options that SQL can say by a join of all rows with all rows."""

    def __init__(self, random, unit):
        self.kinds = [sorted(random.sample("abcd", random.choice([1, 1, 1, 2]))) for _ in range(random.randint(2, 4))]
        self.window = unit * random.randint(0, 8)
        self.ties = random.choice(["FAVOURABLE", "FAVOURABLE", "RECORDED", "INCREASING"])
        self.holds = random.random() < 0.3
        self.reuses = random.random() < 0.15 and self.ties != "INCREASING"
        self.gap = (random.randint(1, len(self.kinds) - 1), unit, unit * 4) if random.random() < 0.3 else None
        self.excludes = random.choice([None, None, "ATTEMPT", "CUSTOMER"])
        self.where = random.random() < 0.2

    def names(self):
        said = {"HOLDING": self.holds, "REUSING ROWS": self.reuses, "GAP": self.gap, "WHERE": self.where}
        names = ["funnel", "TIES " + self.ties] + [name for name, is_said in said.items() if is_said]
        return names + (["EXCLUDING PER " + self.excludes] if self.excludes else [])

    def statement(self):
        steps = []
        for number, kinds in enumerate(self.kinds):
            step = f"events WHERE kind IN ({', '.join(repr(kind) for kind in kinds)})"
            if self.gap and self.gap[0] == number:
                step += f" GAP FROM {self.gap[1]} SECONDS TO {self.gap[2]} SECONDS"
            steps.append(step)
        text = f"FUNNEL {', '.join(steps)} WITHIN {self.window} SECONDS TIES {self.ties}"
        text += " WHERE sess IS NULL OR sess <> 3" if self.where else ""
        text += " HOLDING sess" if self.holds else ""
        text += " REUSING ROWS" if self.reuses else ""
        text += f" EXCLUDING events WHERE kind = 'd' PER {self.excludes}" if self.excludes else ""
        return text + " BY customer"

    def chains(self, count, clean):
        """SQL: customers with a chain of so many steps; `clean`: none that a row of kind d poisons."""
        sources, conditions = [], []
        for i in range(count):
            sources.append(f"events e{i}")
            kinds = ", ".join(repr(kind) for kind in self.kinds[i])
            conditions.append(f"e{i}.kind IN ({kinds})")
            if self.where:
                conditions.append(f"(e{i}.sess IS NULL OR e{i}.sess <> 3)")
            if self.holds:
                conditions.append(f"e{i}.sess = e0.sess")
            if i == 0:
                continue
            conditions += [f"e{i}.customer = e0.customer", f"e{i}.t - e0.t <= {self.window}"]
            later = ">=" if self.reuses else ">"
            conditions.append({
                "FAVOURABLE": f"e{i}.t >= e{i-1}.t", "INCREASING": f"e{i}.t > e{i-1}.t",
                "RECORDED": f"(e{i}.t, e{i}.n) {later} (e{i-1}.t, e{i-1}.n)"}[self.ties])
            if not self.reuses:
                conditions += [f"e{i}.n <> e{j}.n" for j in range(i)]
            if self.gap and self.gap[0] == i:
                conditions.append(f"e{i}.t - e{i-1}.t BETWEEN {self.gap[1]} AND {self.gap[2]}")
            if self.excludes == "ATTEMPT" or clean:
                conditions.append(self.no_row(f"x.t > e{i-1}.t AND x.t < e{i}.t"))
        if clean and count < len(self.kinds):
            conditions.append(self.no_row(f"x.t > e{count-1}.t AND x.t <= e0.t + {self.window}"))
        return f"SELECT DISTINCT e0.customer FROM {', '.join(sources)} WHERE {' AND '.join(conditions)}"

    def no_row(self, condition):
        return (f"NOT EXISTS (SELECT 1 FROM events x WHERE x.customer = e0.customer AND x.kind = 'd' AND {condition})")

    def ask_duckdb(self, database):
        def levels(clean):
            found = {}
            for count in range(1, len(self.kinds) + 1):
                for (customer,) in database.execute(self.chains(count, clean)).fetchall():
                    found[customer] = count
            return found
        if self.excludes != "CUSTOMER":
            return levels(False)
        whole, clean = levels(False), levels(True)
        return {customer: level for customer, level in clean.items() if level == whole[customer]}


class WindowFunnel:
    """ClickHouse's own function, with its modes."""

    def __init__(self, random, unit):
        self.kinds = [sorted(random.sample("abcd", random.choice([1, 1, 2]))) for _ in range(random.randint(2, 4))]
        self.window = unit * random.randint(0, 8)
        self.modes = [mode for mode in MODES if random.random() < 0.25]

    def names(self):
        return ["PRESET CLICKHOUSE"] + (self.modes or ["no mode"])

    def statement(self):
        steps = ", ".join(
            f"events WHERE kind IN ({', '.join(repr(kind) for kind in kinds)})" for kinds in self.kinds)
        modes = f" MODES ({', '.join(self.modes)})" if self.modes else ""
        return f"FUNNEL {steps} WITHIN {self.window} SECONDS PRESET CLICKHOUSE{modes} BY customer"

    def sql(self):
        conditions = ", ".join(f"kind IN ({', '.join(repr(kind) for kind in kinds)})" for kinds in self.kinds)
        arguments = ", ".join([str(self.window)] + [repr(mode) for mode in self.modes])
        return (f"SELECT customer, windowFunnel({arguments})(toUInt32(t), {conditions}) AS level FROM events "
                "GROUP BY customer HAVING level > 0")


class Retention:
    """Cohorts by day, or by days since one's own start."""

    def __init__(self, random):
        self.start, self.back = random.choice("ab"), random.choice("abc")
        self.recurs, self.rolls = random.random() < 0.4, random.random() < 0.3
        self.or_after, self.least = random.random() < 0.3, random.choice([1, 1, 2])
        self.count = random.randint(2, 6)

    def names(self):
        said = {"RECURRING": self.recurs, "ROLLING": self.rolls, "ON OR AFTER": self.or_after,
                "AT LEAST": self.least > 1}
        return ["retention"] + [name for name, is_said in said.items() if is_said]

    def statement(self):
        text = f"RETENTION OF events WHERE kind = '{self.start}' RETURNING events WHERE kind = '{self.back}'"
        text += f" BY DAY FOR {self.count} PERIODS {'RECURRING' if self.recurs else 'FIRST TIME'}"
        text += (" ROLLING" if self.rolls else "") + (" ON OR AFTER" if self.or_after else "")
        return text + (f" AT LEAST {self.least}" if self.least > 1 else "") + " AS OF '2025-06-01'"

    def sql(self):
        k = (f"floor((r.t - s.t0) / {DAY})" if self.rolls else f"floor(r.t / {DAY}) - s.cohort")
        starts = (f"SELECT customer, floor(t / {DAY}) AS cohort, min(t) AS t0 FROM events "
                  f"WHERE kind = '{self.start}' GROUP BY ALL")
        if not self.recurs:
            starts = f"SELECT customer, min(cohort) AS cohort, min(t0) AS t0 FROM ({starts}) GROUP BY customer"
        late = "r.t >= s.t0" if self.rolls else "true"
        reach = ">=" if self.or_after else "="
        return f"""WITH s AS ({starts}),
            back AS (SELECT s.customer, s.cohort, {k} AS k FROM s JOIN events r ON r.customer = s.customer
                WHERE r.kind = '{self.back}' AND {late} GROUP BY ALL HAVING count(*) >= {self.least}),
            size AS (SELECT cohort, count(*) AS size FROM s GROUP BY cohort)
            SELECT size.cohort, n.k, CASE WHEN n.k = 0 THEN size.size ELSE count(DISTINCT back.customer) END
            FROM size, range({self.count}) n(k) LEFT JOIN back ON back.cohort = size.cohort AND back.k {reach} n.k
            GROUP BY size.cohort, n.k, size.size"""

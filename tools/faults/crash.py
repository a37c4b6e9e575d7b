"""Writers killed at random moments and disks that fill up, against the real file system.

Every batch of `sales` has 1,000 rows with amounts that add up to 5,005, every import of `prices` gives all of its 200 keys
one value, and every guest has 50 rows until she is erased. So any answer shows whether it is that of a commit.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BATCH_ROWS = 1_000
BATCH_TOTAL = 5_005
PRICE_COUNT = 200
GUEST_ROWS = 50
FIRST_GUEST = 1_000_000

SALES = "SELECT count(*) AS n, sum(amount) AS total, count(DISTINCT batch) AS batches FROM sales"
PRICES = "SELECT count(*) AS n, min(value) AS low, max(value) AS high FROM prices"
GUESTS = "SELECT count(*) AS n, count(DISTINCT customer) AS guests FROM guests"


class Wrong(Exception):
    """Something that must not be."""


class Shop:
    """A store, what was acknowledged, and what the last command may have done."""

    def __init__(self, dukkan, place):
        self.dukkan = dukkan
        self.place = place
        self.store = os.path.join(place, "shop.dukkan")
        self.batches = set()
        self.price = 0
        self.guests = set()
        self.next = 1

    def run(self, *arguments, **options):
        return subprocess.run(
            [self.dukkan, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)

    def must(self, *arguments):
        ended = self.run(*arguments)
        if ended.returncode != 0:
            raise Wrong(f"{' '.join(arguments)}: {ended.returncode}: {ended.stderr}")
        return ended.stdout

    def make(self):
        self.must("init", self.store)
        for columns in (
                "sales (customer INT CUSTOMER, at TIMESTAMP TIME, batch INT, amount DECIMAL(2), note STRING)",
                "prices (product INT UNIQUE, customer INT CUSTOMER, at TIMESTAMP TIME, value INT)",
                "guests (customer INT CUSTOMER, at TIMESTAMP TIME, room STRING)"):
            self.must("query", self.store, f"CREATE TABLE {columns}")

    # Commands that write. Each returns its arguments, and what to note when it has been done.

    def command(self, choice):
        number = self.next
        self.next += 1
        path = os.path.join(self.place, f"{number}.csv")
        if choice == "sales":
            self.write(path, "customer,at,batch,amount,note", (
                f"{i % 100},2025-01-{1 + (number * 7 + i) % 28:02} {i % 24:02}:00:00,{number},"
                f"{(i + 1) / 100:.2f},note {random.getrandbits(40)}" for i in range(BATCH_ROWS)))
            return ["import", self.store, "sales", path, "--quiet"], ("sales", number)
        if choice == "prices":
            self.write(path, "product,customer,at,value", (
                f"{i},{i % 10},2025-02-01 00:00:00,{number}" for i in range(PRICE_COUNT)))
            return ["import", self.store, "prices", path, "--quiet"], ("prices", number)
        if choice == "guest":
            guest = FIRST_GUEST + number
            self.write(path, "customer,at,room", (
                f"{guest},2025-03-01 00:00:{i:02},room {guest}" for i in range(GUEST_ROWS)))
            return ["import", self.store, "guests", path, "--quiet"], ("guest", guest)
        if choice == "erase" and self.guests:
            guest = random.choice(sorted(self.guests))
            return ["erase", self.store, "--customer", str(guest)], ("erase", guest)
        return ["compact", self.store], ("compact", None)

    def write(self, path, header, rows):
        with open(path, "w", encoding="utf-8") as file:
            file.write(header + "\n")
            for row in rows:
                file.write(row + "\n")

    def note(self, what):
        kind, number = what
        if kind == "sales":
            self.batches.add(number)
        elif kind == "prices":
            self.price = number
        elif kind == "guest":
            self.guests.add(number)
        elif kind == "erase":
            self.guests.discard(number)

    def rows(self, question):
        text = self.must("query", self.store, question, "--format", "csv")
        return [line.split(",") for line in text.splitlines()[1:] if line]

    def check(self, what):
        """Opens the store after a command that may or may not have been done, and notes which."""
        kind, number = what
        told = self.must("verify", self.store)
        if "all is well" not in told:
            raise Wrong(f"verify: {told}")
        batches = {}
        for batch, count, total in self.rows("SELECT batch, count(*), sum(amount) FROM sales GROUP BY batch"):
            batches[int(batch)] = (int(count), float(total))
        for batch, found in batches.items():
            if found != (BATCH_ROWS, BATCH_TOTAL):
                raise Wrong(f"batch {batch} is there by halves: {found}")
        allowed = [self.batches, self.batches | {number}] if kind == "sales" else [self.batches]
        if set(batches) not in allowed:
            raise Wrong(f"batches {sorted(self.batches ^ set(batches))} are missing or too many")
        self.batches = set(batches)
        count, low, high = self.rows(PRICES)[0]
        value = int(low or 0)
        if low != high or int(count) not in ([0, PRICE_COUNT] if value == 0 else [PRICE_COUNT]):
            raise Wrong(f"prices are those of several imports: {count} rows from {low} to {high}")
        if value != self.price and (kind, number) != ("prices", value):
            raise Wrong(f"prices are {value}, not {self.price}")
        self.price = value
        guests = {int(guest): int(count) for guest, count in self.rows(
            "SELECT customer, count(*) FROM guests GROUP BY customer")}
        if any(count != GUEST_ROWS for count in guests.values()):
            raise Wrong(f"guests are there by halves: {guests}")
        differing = self.guests ^ set(guests)
        if not differing <= ({number} if kind in ("guest", "erase") else set()):
            raise Wrong(f"guests {sorted(differing)} are missing or too many")
        self.guests = set(guests)


class Reader(threading.Thread):
    """Asks all the time; every answer must be that of a commit, and nothing may go away again but guests."""

    def __init__(self, shop):
        super().__init__(daemon=True)
        self.shop = shop
        self.stop = threading.Event()
        self.answers = 0
        self.wrong = []

    def run(self):
        batches = price = 0
        questions = ";\n".join([SALES, PRICES, GUESTS] * 5)
        while not self.stop.is_set() and not self.wrong:
            ended = subprocess.run(
                [self.shop.dukkan, "query", self.shop.store, "--format", "csv"], input=questions, capture_output=True,
                text=True)
            if ended.returncode != 0:
                self.wrong.append(f"a reader failed: {ended.stderr}")
                return
            for line in ended.stdout.splitlines():
                fields = line.split(",")
                if not line or fields[0] == "n":
                    header = line
                    continue
                self.answers += 1
                if header == "n,total,batches":
                    count = int(fields[2])
                    if int(fields[0]) != BATCH_ROWS * count or float(fields[1] or 0) != BATCH_TOTAL * count \
                            or count < batches:
                        self.wrong.append(f"a reader saw {line} of sales after {batches} batches")
                    batches = count
                elif header == "n,low,high":
                    value = int(fields[1] or 0)
                    if fields[1] != fields[2] or value < price or (value and int(fields[0]) != PRICE_COUNT):
                        self.wrong.append(f"a reader saw {line} of prices after {price}")
                    price = value
                elif int(fields[0]) != GUEST_ROWS * int(fields[1]):
                    self.wrong.append(f"a reader saw {line} of guests")


def pick(shop):
    return random.choices(["sales", "prices", "guest", "erase", "compact"], [5, 4, 2, 2, 2])[0]


def kill_writers(shop, kills, reader_count):
    """Kills until there are enough; a command that ends before its time is acknowledged."""
    readers = [Reader(shop) for _ in range(reader_count)]
    for reader in readers:
        reader.start()
    killed = acknowledged = 0
    started = time.monotonic()
    seconds = {}
    # How long they take, so that the moments are spread over all of it.
    for choice in ("sales", "prices", "guest", "guest", "erase", "compact"):
        begun = time.monotonic()
        arguments, what = shop.command(choice)
        shop.must(*arguments)
        shop.note(what)
        seconds[choice] = time.monotonic() - begun
    while killed < kills:
        choice = pick(shop)
        arguments, what = shop.command(choice)
        begun = time.monotonic()
        process = subprocess.Popen(
            [shop.dukkan, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(random.uniform(0, seconds[choice] * 1.2))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        errors = process.stderr.read().decode()
        process.stderr.close()
        for name in os.listdir(shop.place):
            if name.endswith(".csv"):
                os.remove(os.path.join(shop.place, name))
        if process.returncode == 0:
            shop.note(what)
            acknowledged += 1
            took = time.monotonic() - begun
            seconds[choice] = 0.8 * seconds[choice] + 0.2 * took
            if acknowledged % 10 == 0:
                shop.check((None, None))
        elif process.returncode == -signal.SIGKILL:
            killed += 1
            shop.check(what)
            # Those that take long are killed more often; so the estimate grows with each.
            seconds[choice] *= 1.03
            if killed % 50 == 0:
                print(f"{killed} kills, {acknowledged} commands acknowledged", flush=True)
        else:
            raise Wrong(f"{' '.join(arguments)}: {process.returncode}: {errors}")
        for reader in readers:
            if reader.wrong:
                raise Wrong(reader.wrong[0])
    for reader in readers:
        reader.stop.set()
    for reader in readers:
        reader.join()
        if reader.wrong:
            raise Wrong(reader.wrong[0])
    left = os.listdir(os.path.join(shop.store, "parts"))
    shop.must("compact", shop.store)
    shop.check((None, None))
    answers = sum(reader.answers for reader in readers)
    print(
        f"{killed} writers killed, {acknowledged} commands acknowledged, {answers} answers of {reader_count} readers, "
        f"{len(left)} files in the end; {time.monotonic() - started:.0f} s")


def small_disk(place):
    """A file system of two megabytes in memory; None where the machine does not let us mount one."""
    path = os.path.join(place, "disk")
    os.mkdir(path)
    ended = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], stderr=subprocess.DEVNULL, check=False)
    return path if ended.returncode == 0 else None


def fill_disk(dukkan, place, count):
    """Commands on a disk with ever less room: they end with a clear error and change nothing, and once there is room
    again they go through."""
    disk = small_disk(place)
    home = disk or place
    shop = Shop(dukkan, home if disk else os.path.join(place, "limited"))
    os.makedirs(shop.place, exist_ok=True)
    refused = 0
    try:
        shop.make()
        for _ in range(6):
            for choice in ("sales", "prices", "guest"):
                arguments, what = shop.command(choice)
                shop.must(*arguments)
                shop.note(what)
                os.remove(os.path.join(shop.place, f"{what[1] % FIRST_GUEST}.csv"))
        for number in range(count):
            choice = pick(shop)
            arguments, what = shop.command(choice)
            refused += refuse(shop, arguments, what, disk, (number * 7_919) % 40_000)
            for name in os.listdir(shop.place):
                if name.endswith(".csv"):
                    os.remove(os.path.join(shop.place, name))
    finally:
        if disk:
            subprocess.run(["umount", disk], check=False)
    how = "a full file system" if disk else "a limit on the size of files"
    print(f"{refused} of {count} commands refused by {how}, each left the store whole and went through with room")
    if refused == 0:
        raise Wrong("no command met a full disk")


def refuse(shop, arguments, what, disk, room):
    """Runs a command with `room` bytes to spare; returns 1 if it was refused for want of room."""
    ballast = os.path.join(shop.place, "ballast")
    limit = None
    if disk:
        free = os.statvfs(disk)
        with open(ballast, "wb") as file:
            file.write(b"\0" * max(0, free.f_bavail * free.f_frsize - room))
    else:
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room // 20, room // 20))
    ended = shop.run(*arguments, preexec_fn=limit)
    if ended.returncode not in (0, 1):
        raise Wrong(f"{arguments}: {ended.returncode}: {ended.stderr}")
    if ended.returncode == 0:
        shop.note(what)
        # Compaction after a commit may have been left out; the commit stands.
        shop.check((None, None))
    else:
        if not any(text in ended.stderr for text in ("No space left", "File too large")):
            raise Wrong(f"{arguments}: not the reason that was expected: {ended.stderr}")
        shop.check(what if what[0] == "erase" else (None, None))
    if disk:
        os.remove(ballast)
    if ended.returncode == 0:
        return 0
    if what[0] != "erase" or what[1] in shop.guests:
        shop.must(*arguments)
        shop.note(what)
    shop.check((None, None))
    return 1


def main():
    parser = argparse.ArgumentParser(description="kills writers and fills disks under them")
    parser.add_argument("--dukkan", required=True, help="the tool")
    parser.add_argument("--kills", type=int, default=500, help="writers to kill (default 500)")
    parser.add_argument("--full", type=int, default=60, help="commands on a full disk (default 60)")
    parser.add_argument("--readers", type=int, default=2, help="processes that read meanwhile (default 2)")
    parser.add_argument("--seed", type=int, default=None, help="of the commands and moments (default: another each time)")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    random.seed(seed)
    print(f"seed {seed}", flush=True)
    place = tempfile.mkdtemp(prefix="dukkan-crash-")
    try:
        if arguments.kills > 0:
            shop = Shop(arguments.dukkan, place)
            shop.make()
            kill_writers(shop, arguments.kills, arguments.readers)
        if arguments.full > 0:
            fill_disk(arguments.dukkan, place, arguments.full)
    except Wrong as wrong:
        print(f"error: {wrong}\nthe store is left in {place}", file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(place)


if __name__ == "__main__":
    main()

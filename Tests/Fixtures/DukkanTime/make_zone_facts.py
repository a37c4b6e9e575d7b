"""Writes zone_facts.txt beside this file: zones as they are in the system's database, and what Python's zoneinfo says.

Lines: `zone NAME BASE64`, `offset NAME UTC_SECONDS EAST_SECONDS`, `local NAME LOCAL_SECONDS UTC_SECONDS`.
"""
import base64, datetime, pathlib, random, zoneinfo

ZONES = ["Africa/Cairo", "America/New_York", "Asia/Kathmandu", "Europe/Dublin", "Australia/Lord_Howe", "Africa/Casablanca",
         "America/Sao_Paulo", "Pacific/Apia", "Europe/Istanbul", "America/Nuuk"]
EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc
random.seed(7)

def seconds(naive):
    return (naive - EPOCH) // datetime.timedelta(seconds=1)

lines = []
for name in ZONES:
    data = pathlib.Path("/usr/share/zoneinfo", name).read_bytes()
    lines.append(f"zone {name} {base64.b64encode(data).decode()}")
    zone = zoneinfo.ZoneInfo(name)
    east = lambda at: int((EPOCH + datetime.timedelta(seconds=at)).replace(tzinfo=UTC).astimezone(zone).utcoffset().total_seconds())
    instants = {seconds(datetime.datetime(year, month, 15, 11, 7)) for year in (2024, 2037, 2038, 2111, 2400, 9990) for month in (1, 4, 7, 10)}
    instants |= {random.randrange(seconds(datetime.datetime(1850, 1, 1)), seconds(datetime.datetime(2100, 1, 1))) for _ in range(20)}
    # Both sides of some changes, found by bisection between samples.
    for year in (1943, 1974, 2007, 2011, 2023, 2025, 2036, 2039, 2109, 2110, 2111, 2500):
        low = seconds(datetime.datetime(year, 1, 1))
        for day in range(0, 364, 14):
            a, b = low + day * 86400, low + (day + 14) * 86400
            if east(a) != east(b):
                while b - a > 1:
                    middle = (a + b) // 2
                    a, b = (middle, b) if east(middle) == east(a) else (a, middle)
                instants |= {a, b}
    for at in sorted(instants):
        lines.append(f"offset {name} {at} {east(at)}")
    # Local times in and around changes: fold=0 is the earlier of two, and moves skipped times forward.
    for year in (2011, 2024, 2111):
        low = seconds(datetime.datetime(year, 1, 1))
        for at in range(low, low + 365 * 86400, 86400):
            if east(at) == east(at + 86400):
                continue
            a, b = at, at + 86400
            while b - a > 1:
                middle = (a + b) // 2
                a, b = (middle, b) if east(middle) == east(a) else (a, middle)
            for shift in (-7200, -1800, -1, 0, 600, 1800, 3599, 3600, 7200):
                local = EPOCH + datetime.timedelta(seconds=b + east(a) + shift)
                utc = local.replace(tzinfo=zone, fold=0).astimezone(UTC).replace(tzinfo=None)
                lines.append(f"local {name} {seconds(local)} {seconds(utc)}")
pathlib.Path(__file__).with_name("zone_facts.txt").write_text("\n".join(lines) + "\n")

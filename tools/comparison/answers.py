"""Brings the answers of Dukkan and of its peers into one form, and compares them cell by cell."""

import datetime
import decimal
import math
import re

RELATIVE_TOLERANCE = 1e-9
EPOCH = datetime.datetime(1970, 1, 1)
TIME_PATTERN = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?)?$")


def cell(value):
    """One value: whole numbers and doubles as numbers, times as whole microseconds behind a mark, text as text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, datetime.datetime):
        return ("time", (value.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(value, datetime.date):
        return cell(datetime.datetime(value.year, value.month, value.day))
    match = TIME_PATTERN.match(value)
    if match:
        year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
        fraction = int((match.group(7) or "0").ljust(6, "0")[:6])
        return cell(datetime.datetime(year, month, day, hour, minute, second, fraction))
    return value


def from_dukkan(answer, shape):
    """Dukkan's JSON answer as a dictionary from key to cells."""
    names = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(names, map(cell, row))) for row in answer["rows"]]
    if shape == "rows":
        return {index: [cell(value) for value in row] for index, row in enumerate(answer["rows"])}
    if shape.startswith("funnel"):
        result = {}
        for row in sorted(rows, key=lambda row: row["step"]):
            result.setdefault(row["value"], []).append(row["reached"])
        # A value under which nobody reached the first step is no answer of a peer.
        return {value: reached for value, reached in result.items() if shape == "funnel" or reached[0]}
    if shape == "retention":
        # Cells of zero have no rows in SQL.
        return {(row["cohort"], row["period"]): [row["value"]] for row in rows if row["value"]}
    raise ValueError(shape)


def from_peer(rows, shape):
    """Rows of a peer as a dictionary from key to cells."""
    rows = [[cell(value) for value in row] for row in rows]
    if shape == "rows":
        return dict(enumerate(rows))
    if shape == "funnel":
        return {None: rows[0]}
    if shape == "funnel by value":
        return {row[0]: row[1:] for row in rows}
    if shape == "retention":
        return {(row[0], row[1]): [row[2]] for row in rows}
    raise ValueError(shape)


def equal(a, b):
    if isinstance(a, bool) or isinstance(b, bool):
        return a is not None and b is not None and int(a) == int(b)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        return math.isclose(a, b, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-9)
    return a == b


def differences(ours, theirs, most=5):
    """The first differences between two answers, as text; an empty list if every cell is equal."""
    found = []
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} rows here, {len(theirs)} there")
    for key in list(ours) + [key for key in theirs if key not in ours]:
        if len(found) >= most:
            break
        if key not in theirs or key not in ours:
            found.append(f"row {key} is only {'here' if key in ours else 'there'}: {(ours.get(key) or theirs.get(key))}")
        elif len(ours[key]) != len(theirs[key]) or not all(map(equal, ours[key], theirs[key])):
            found.append(f"row {key}: {ours[key]} here, {theirs[key]} there")
    return found


def cell_count(answer):
    return sum(len(cells) for cells in answer.values())

"""Your own downloads: the Cambridge mining map and daily chain series, turned into the rows of a case.

The case ships months as cited facts; a user who holds the files reads the whole of them here.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from gridrush.case.schema import AtlasMonth, NetworkMonth
from gridrush.errors import CaseError, Problem
from gridrush.mining.economics import hashprice

COUNTRY_NAMES = {"Mainland China": "China", "Iran, Islamic Rep.": "Iran", "Russian Federation": "Russia"}
"""Names of the map that the case writes shorter."""

DAYS_NEEDED = 25
"""A month with fewer daily values is left out."""

COIN_METRICS = {
    "HashRate": "hashrate_ths", "DiffMean": "difficulty", "PriceUSD": "price_usd", "ReferenceRateUSD": "price_usd",
    "IssTotNtv": "issuance_btc_per_day", "IssContNtv": "issuance_btc_per_day", "FeeTotNtv": "fees_btc_per_day",
}  # fmt: skip
"""Columns of Coin Metrics' daily file; hash rate is in TH/s."""

BLOCKCHAIN_COM = {
    "hash-rate": "hashrate_ths", "difficulty": "difficulty", "market-price": "price_usd",
    "transaction-fees": "fees_btc_per_day", "issuance": "issuance_btc_per_day",
}  # fmt: skip
"""Charts of blockchain.com, one file each, two columns: Timestamp and the chart's name."""

_Table = list[dict[str, str]]


def read_cambridge_map(path: str | Path, *, source: str = "user-download") -> tuple[AtlasMonth, ...]:
    """Rows of `mining_atlas.csv` from the map's own CSV.

    Wanted columns, in any order and case: a date, a country, the share in percent ("75.53%" or 75.53) and the hash
    rate in EH/s, e.g. `date,country,monthly_hashrate_%,monthly_absolute_hashrate_EH/S`.

    Raises
    ------
    CaseError
        With every row that cannot be read.
    """
    rows, problems = _rows(path), []
    names = list(rows[0]) if rows else []
    columns = {}
    for key, words in {
        "date": ("date", "month"),
        "country": ("country",),
        "share": ("%", "share"),
        "ehs": ("eh/s", "absolute", "ehs"),
    }.items():
        found = [n for n in names if any(w in n.lower() for w in words)]
        if not found:
            problems.append(Problem(f"{path}: header", names, f"a column with one of {words} in its name"))
        else:
            columns[key] = found[0]
    if problems:
        raise CaseError(problems)
    out = []
    for line, r in enumerate(rows, start=2):
        share = _number(r[columns["share"]].rstrip("% "))
        ehs = _number(r[columns["ehs"]])
        month = r[columns["date"]].strip()[:7]
        country = r[columns["country"]].strip()
        if share is None or ehs is None or not 0 <= share <= 100 or ehs < 0 or len(month) != 7 or not country:
            problems.append(Problem(f"{path}:{line}", dict(r), "a month, a country, 0-100 percent and EH/s"))
            continue
        name = COUNTRY_NAMES.get(country, country)
        out.append(
            AtlasMonth(month=month, country=name, hashrate_share=share / 100.0, hashrate_ehs=ehs, source=source,
                       grade="estimated")
        )  # fmt: skip
    if problems:
        raise CaseError(problems)
    return tuple(out)


def read_coin_metrics(path: str | Path, *, source: str = "user-download") -> tuple[NetworkMonth, ...]:
    """Rows of `mining_network.csv` from Coin Metrics' daily file: monthly means of days that have every series.

    Columns used: time, HashRate [TH/s], DiffMean, PriceUSD or ReferenceRateUSD, IssTotNtv or IssContNtv, FeeTotNtv.
    """
    days: dict[str, dict[str, float]] = {}
    for r in _rows(path):
        day = r.get("time", r.get("date", ""))[:10]
        values = {v: _number(r[k]) for k, v in COIN_METRICS.items() if k in r}
        days[day] = {k: v for k, v in values.items() if v is not None}
    return _months(days, str(path), source)


def read_blockchain_com(paths: Mapping[str, str | Path], *, source: str = "user-download") -> tuple[NetworkMonth, ...]:
    """Rows of `mining_network.csv` from blockchain.com's charts, one CSV a chart.

    Parameters
    ----------
    paths : mapping
        Chart to file: "hash-rate" [TH/s], "difficulty", "market-price" [USD], "transaction-fees" [BTC/day] and
        "issuance" [BTC/day]. Charts that lack a day take the last value before it.
    """
    unknown = sorted(set(paths) - set(BLOCKCHAIN_COM))
    if unknown:
        raise CaseError([Problem("paths", n, f"one of {sorted(BLOCKCHAIN_COM)}") for n in unknown])
    days: dict[str, dict[str, float]] = {}
    for chart, path in paths.items():
        for r in _rows(path):
            cells = list(r.values())
            value = _number(cells[1]) if len(cells) > 1 else None
            if value is not None:
                days.setdefault(cells[0][:10], {})[BLOCKCHAIN_COM[chart]] = value
    last: dict[str, float] = {}
    for day in sorted(days):
        last = {**last, **days[day]}
        days[day] = dict(last)
    return _months(days, ", ".join(str(p) for p in paths.values()), source)


def _months(days: Mapping[str, Mapping[str, float]], where: str, source: str) -> tuple[NetworkMonth, ...]:
    needed = ("hashrate_ths", "difficulty", "price_usd", "issuance_btc_per_day")
    months: dict[str, list[Mapping[str, float]]] = {}
    for day, values in days.items():
        if all(k in values for k in needed):
            months.setdefault(day[:7], []).append(values)
    whole = {m: v for m, v in sorted(months.items()) if len(v) >= DAYS_NEEDED}
    if not whole:
        wanted = f"a month with {DAYS_NEEDED} days of {', '.join(needed)}"
        raise CaseError([Problem(where, f"{len(days)} days, none complete", wanted, "are the columns named as usual?")])
    out = []
    for month, rows in whole.items():
        mean = {k: math.fsum(r[k] for r in rows) / len(rows) for k in needed}
        fees = [r["fees_btc_per_day"] for r in rows if "fees_btc_per_day" in r]
        fee = math.fsum(fees) / len(fees) if fees else None
        ehs = mean["hashrate_ths"] / 1e6
        new = mean["issuance_btc_per_day"]
        price = hashprice(mean["price_usd"], new, fees_btc_per_day=fee or 0.0, hashrate_ehs=ehs)
        out.append(
            NetworkMonth(
                month=month, hashrate_ehs=ehs, difficulty=mean["difficulty"], price_usd=mean["price_usd"],
                block_subsidy_btc=_subsidy(mean["issuance_btc_per_day"]),
                issuance_btc_per_day=mean["issuance_btc_per_day"], fees_btc_per_day=fee,
                hashprice_usd_per_ph_day=float(price), source=source, grade="measured",
            )
        )  # fmt: skip
    return tuple(out)


def _subsidy(issuance_btc_per_day: float) -> float:
    """Subsidy per block whose 144 blocks come nearest to a day's issuance. [BTC]"""
    steps = [50.0 / 2.0**k for k in range(12)]
    return min(steps, key=lambda x: abs(math.log(144.0 * x / issuance_btc_per_day)))


def _rows(path: str | Path) -> _Table:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as f:
            rows = [{(k or "").strip(): (v or "") for k, v in r.items() if isinstance(v, str) or v is None}
                    for r in csv.DictReader(f)]  # fmt: skip
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise CaseError([Problem(str(path), str(err), "a CSV file in UTF-8")]) from err
    if not rows:
        raise CaseError([Problem(str(path), "no rows", "a header and one row or more")])
    return rows


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def replaced(rows: Iterable[NetworkMonth], by: Iterable[NetworkMonth]) -> tuple[NetworkMonth, ...]:
    """Network rows with those of your download in place of the case's, fleet efficiency kept."""
    old = {r.month: r for r in rows}
    for r in by:
        kept = old.get(r.month)
        names = ("fleet_low_j_per_th", "fleet_best_j_per_th", "fleet_high_j_per_th")
        old[r.month] = r.model_copy(update={n: getattr(kept, n) for n in names} if kept else {})
    return tuple(old[m] for m in sorted(old))

"""From records to a ranked list: where an unregistered farm is likely, how many MW, since when, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridrush.case.estimate import Estimate
from gridrush.detect import _kernels, signals
from gridrush.detect.changes import CHUNK, Changes, day_blocks, day_model, find_changes
from gridrush.detect.inference import Evidence, Posterior, Priors, infer
from gridrush.detect.learn import Learned, learn
from gridrush.detect.records import Records, check
from gridrush.detect.words import evidence_words
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

SPIKE, STUCK_H, OUT_H = 4.0, 72, 6
"""A reading over four times the 99th percentile is a jump; one alike to the last digit for 72 h, or zero for 6, a
fault."""
SHORT_EVENT_DAYS = 31
"""Events up to this long are taken out before changes are looked for."""
FEATURES = (
    "load_factor", "night_day_ratio", "rest_work_ratio", "flatness", "season_response", "weather_deafness",
    "base_share", "holiday_ratio", "missing_share", "step_share", "step_z", "step_evenness", "step_tan_phi",
    "step_unmetered", "event_drop_share", "hashprice_correlation", "log_odds",
)  # fmt: skip
"""Columns the supervised model learns from; NaN where a feeder has no such sign."""


@dataclass(frozen=True)
class Look:
    """Everything seen of the feeders before labels are used."""

    records: Records
    blocks: NDArray[np.float32]
    changes: Changes
    posterior: Posterior
    evidence: Evidence
    features: pd.DataFrame  # (N, F), a row a feeder
    faults: NDArray[np.int64]  # (N, 3): jumps, hours stood still, hours of nothing


@dataclass(frozen=True)
class Detection:
    """Feeders by how likely an unregistered farm stands behind them, with the evidence in words."""

    table: pd.DataFrame  # rank, feeder, probability, mw, mw_low, mw_high, expected_mw, since, evidence, ...
    look: Look
    learned: Learned | None
    said: tuple[str, ...]

    def total_mw(self) -> Estimate:
        """Unregistered MW on all feeders: sum of p x MW; error from p (1 - p) MW^2 + p sd^2, feeders independent."""
        p, mw = self.table["probability"].to_numpy(), self.table["mw"].to_numpy()
        sd = self.table["mw_std"].to_numpy()
        return Estimate(float((p * mw).sum()), float(np.sqrt((p * (1 - p) * mw**2 + p * sd**2).sum())), "MW")

    def to_dict(self, *, top: int | None = None) -> dict[str, object]:
        """As the command line prints it."""
        rows = self.table if top is None else self.table.head(top)
        return {
            "feeders": [{str(k): _json(v) for k, v in r.items()} for r in rows.to_dict("records")],
            "total_mw": self.total_mw().to_dict(),
            "learned": None if self.learned is None else self.learned.to_dict(),
            "said": list(self.said),
        }


def look(
    records: Records,
    *,
    events: pd.DataFrame | None = None,
    hashprice: Mapping[str, float] | None = None,
    priors: Priors | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Look:
    """Signs, changes and posterior of every feeder, labels left aside. Arguments as of `find_farms`."""
    check(records)
    clean = records.load_mw.copy()
    faults = np.zeros((len(clean), 3), np.int64)
    for at in range(0, len(clean), CHUNK):
        _kernels.mask_faults(clean[at : at + CHUNK], SPIKE, STUCK_H, OUT_H, faults[at : at + CHUNK])
    records = replace(records, load_mw=clean)
    days, day = records.days, records.day
    rest = records.rest
    drops, drop_errors, short = [], [], np.zeros(days.size, bool)
    local = records.local
    for start, end in _events(events):
        drop, error = _by_chunk(lambda load, a=start, b=end: signals.event_drop(load, local, rest[day], a, b), clean)
        drops.append(drop)
        drop_errors.append(error)
        if (end - start) <= np.timedelta64(24 * SHORT_EVENT_DAYS, "h"):
            short |= (days >= start.astype("datetime64[D]")) & (days <= end.astype("datetime64[D]"))
    blocks = day_blocks(records)
    blocks[:, short] = np.nan
    model = day_model(records, blocks)
    changes = find_changes(blocks, model, threads=threads, progress=progress)
    with np.errstate(invalid="ignore"):
        daily = blocks.mean(axis=2, dtype=np.float64)
    drive = model.drive[model.kind]
    own = _own_shape(blocks, rest)
    response = np.nan_to_num(signals.season_response(daily, drive, model.rest))
    N, M = changes.day.shape
    tan = tan_error = missing_step = missing_error = np.full((N, M), np.nan)
    if records.reactive_mvar is not None:
        tan, tan_error = signals.ratio_at_steps(_daily(records.reactive_mvar, day, clean), daily, changes)
    missing = signals.missing_share(records, changes)
    if records.metered_mw is not None:
        shown = _daily(records.metered_mw, day, clean)
        missing_step, missing_error = signals.ratio_at_steps(daily - shown, daily, changes)
    evidence = Evidence(
        tan, tan_error, missing_step, missing_error, np.stack(drops, axis=1) if drops else np.zeros((N, 0)),
        np.stack(drop_errors, axis=1) if drops else np.zeros((N, 0)), missing,
    )  # fmt: skip
    base = signals.base_share(blocks, changes)
    posterior = infer(
        changes, own, response, base, model.kind, years=days.size / 365.25,
        registered_mw=np.nan_to_num(records.facts.registered_mw),
        known_flat_mw=np.nan_to_num(records.facts.known_flat_mw), evidence=evidence, priors=priors,
    )  # fmt: skip
    profile = np.empty((N, 2, 24))
    _kernels.day_blocks(clean, rest[day].astype(np.int64), records.hour, profile, 1)
    features = _features(records, blocks, daily, profile, drive, model.rest, changes, posterior, evidence, base,
                         response, _hashprice(hashprice, days))  # fmt: skip
    return Look(records, blocks, changes, posterior, evidence, features, faults)


def find_farms(
    records: Records,
    *,
    labels: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    hashprice: Mapping[str, float] | None = None,
    priors: Priors | None = None,
    seed: int = 1,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Detection:
    """Feeders ranked by the MW an inspection may expect to find, with probability, MW, date and evidence of each.

    Parameters
    ----------
    records : Records
        Of `read_records`, or made of arrays.
    labels : DataFrame, optional
        Past inspections: `feeder, found` (0 or 1) and, where known, `on` (day; what came later is not used to learn).
    events : DataFrame, optional
        `start, end` in legal time, `kind`: falls of coin price, lost network, cuts of miners.
    hashprice : mapping, optional
        Month (2021-05) to USD per PH/s and day.
    priors : Priors, optional
        Rates believed before looking.
    seed : int
        Of the folds of learning.
    threads : int, optional
        Never changes the answer.

    Returns
    -------
    Detection

    Examples
    --------
    >>> from gridrush.detect import find_farms, synthetic
    >>> made = synthetic(60, days=180, seed=3)
    >>> found = find_farms(made.records, events=made.events)
    >>> found.table.shape[0], bool(found.table["probability"].between(0, 1).all())
    (60, True)
    """
    seen = look(records, events=events, hashprice=hashprice, priors=priors, threads=threads, progress=progress)
    learned = None
    said = [*records.said, *_fault_words(seen)]
    probability = seen.posterior.probability
    if labels is not None and len(labels):
        rows, found, on = _labels(records, labels)
        features = seen.features.iloc[rows].reset_index(drop=True)
        dated = ~np.isnat(on)
        if dated.any():  # as the record stood on the morning of the inspection
            before = _as_of(records, rows, on, events=events, hashprice=hashprice, priors=priors, threads=threads)
            features.loc[dated] = before.loc[dated].to_numpy()
        learned = learn(features, found, tuple(records.feeders[i] for i in rows), seed=seed)
        probability = learned.predict(seen.features)
        said += learned.said
    return Detection(_table(seen, probability), seen, learned, tuple(said))


def _as_of(
    records: Records,
    rows: NDArray[np.int64],
    on: NDArray[np.datetime64],
    *,
    events: pd.DataFrame | None,
    hashprice: Mapping[str, float] | None,
    priors: Priors | None,
    threads: int | None,
) -> pd.DataFrame:
    """Features of inspected feeders from what was on record the morning they were inspected; others complete theirs."""
    N = len(records.feeders)
    cut = np.full(N, np.datetime64("NaT"), "datetime64[D]")
    first: dict[int, int] = {}
    for at, row in enumerate(rows):
        first.setdefault(int(row), at)
        cut[row] = on[first[int(row)]]
    then = look(records.until(range(N), cut), events=events, hashprice=hashprice, priors=priors, threads=threads)
    return then.features.iloc[rows].reset_index(drop=True)


def _features(
    records: Records, blocks: NDArray[np.float32], daily: Floats, profile: Floats, drive: Floats, rest: Floats,
    changes: Changes, posterior: Posterior, evidence: Evidence, base: Floats, response: Floats, price: Floats | None,
) -> pd.DataFrame:  # fmt: skip
    N = len(records.feeders)
    mean = np.where(changes.mean_mw > 0, changes.mean_mw, np.nan)
    best = np.argmax(np.where(changes.day >= 0, posterior.change_farm * np.maximum(posterior.change_mw, 0), -1), axis=1)
    at = np.arange(N), best
    some = (changes.day[at] >= 0) & (changes.level_mw[at] > 0)
    step = changes.delta_mw[at][:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        even = 1 - step.std(axis=1) / np.abs(step.mean(axis=1))
        drop = evidence.event_drop_mw.mean(axis=1) / mean if evidence.event_drop_mw.shape[1] else np.full(N, np.nan)
    parts = {
        "load_factor": _by_chunk(lambda load: (signals.load_factor(load),), records.load_mw)[0],
        "night_day_ratio": signals.night_day_ratio(profile),
        "rest_work_ratio": signals.rest_work_ratio(profile),
        "flatness": signals.flatness(blocks, drive),
        "season_response": response,
        "weather_deafness": signals.weather_deafness(daily, drive),
        "base_share": base,
        "holiday_ratio": signals.holiday_ratio(daily, records.days, records.holidays),
        "missing_share": evidence.missing_share,
        "step_share": np.where(some, changes.level_mw[at] / mean, 0.0),
        "step_z": np.where(some, changes.z[at], 0.0),
        "step_evenness": np.where(some, np.clip(even, -3, 1), np.nan),
        "step_tan_phi": np.where(some, evidence.tan_phi[at], np.nan),
        "step_unmetered": np.where(some, evidence.unmetered_share[at], np.nan),
        "event_drop_share": drop,
        "hashprice_correlation": np.full(N, np.nan)
        if price is None
        else signals.hashprice_correlation(blocks, records.days, price, changes),
        "log_odds": np.clip(posterior.log_odds, -12, 12),
    }
    return pd.DataFrame(parts)[list(FEATURES)]


def _table(seen: Look, probability: Floats) -> pd.DataFrame:
    p, days, r = seen.posterior, seen.records.days, seen.records
    first = days[0]
    since = [
        ("before " + str(first) if d < 0 else str(days[d])) if q > 0 else ""
        for d, q in zip(p.since_day, probability, strict=True)
    ]
    table = pd.DataFrame(
        {
            "feeder": r.feeders,
            "probability": probability,
            "mw": p.farm_mw,
            "mw_low": np.maximum(p.farm_mw - 1.645 * p.farm_std_mw, 0.0),
            "mw_high": p.farm_mw + 1.645 * p.farm_std_mw,
            "expected_mw": probability * p.farm_mw,
            "since": since,
            "evidence": evidence_words(seen),
            "mean_load_mw": seen.changes.mean_mw,
            "registered_mw": np.nan_to_num(r.facts.registered_mw),
            "tariff": r.facts.tariff,
            "without_labels": p.probability,
            "p_noise": seen.changes.p_flat(),
            "days_used": seen.changes.days_used.astype(np.int64),
            "mw_std": p.farm_std_mw,
        }
    )
    table = table.sort_values(["expected_mw", "probability", "feeder"], ascending=[False, False, True], kind="stable")
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table.reset_index(drop=True)


def _by_chunk(sign: Callable[..., tuple[Floats, ...]], *tables: NDArray[np.float32]) -> tuple[Floats, ...]:
    """A sign of all feeders from a few at a time, so that no temporary is as large as the record."""
    parts = [sign(*(t[at : at + CHUNK] for t in tables)) for at in range(0, len(tables[0]), CHUNK)]
    return tuple(np.concatenate(p) for p in zip(*parts, strict=True))


def _own_shape(blocks: NDArray[np.float32], rest: NDArray[np.bool_]) -> Floats:
    """Each feeder's mean day, working and of rest, mean of the week 1. (N, 2, K)"""
    out = np.ones((len(blocks), 2, blocks.shape[2]))
    for i, rows in enumerate(blocks):
        there = np.isfinite(rows).all(axis=1)
        for w, kind in enumerate((~rest, rest)):
            if (there & kind).sum() >= 4:
                out[i, w] = rows[there & kind].mean(axis=0, dtype=np.float64)
        mean = out[i, 0].mean() * 5 / 7 + out[i, 1].mean() * 2 / 7
        out[i] = out[i] / mean if mean > 0 else 1.0
    return out


def _daily(table: NDArray[np.float32], day: NDArray[np.int64], load: NDArray[np.float32]) -> Floats:
    """Mean of each day over the hours in which both this and the load were read; NaN under 20 h. (N, D)"""
    D = int(day.max()) + 1
    out = np.full((len(table), D), np.nan)
    for i, row in enumerate(table):
        there = np.isfinite(row) & np.isfinite(load[i])
        count = np.bincount(day[there], minlength=D)
        total = np.bincount(day[there], row[there].astype(np.float64), D)
        out[i] = np.where(count >= 20, total / np.maximum(count, 1), np.nan)
    return out


def _events(events: pd.DataFrame | None) -> Sequence[tuple[np.datetime64, np.datetime64]]:
    if events is None:
        return []
    return [
        (np.datetime64(pd.Timestamp(a), "h"), np.datetime64(pd.Timestamp(b), "h"))
        for a, b in zip(events["start"], events["end"], strict=True)
    ]


def _hashprice(table: Mapping[str, float] | None, days: NDArray[np.datetime64]) -> Floats | None:
    if table is None:
        return None
    return np.array([table.get(str(m), np.nan) for m in days.astype("datetime64[M]")])


def _labels(
    records: Records, labels: pd.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.datetime64]]:
    at = {f: i for i, f in enumerate(records.feeders)}
    if unknown := sorted(set(labels["feeder"].astype(str)) - set(at))[:10]:
        raise CaseError([Problem("labels.feeder", unknown, "feeders of the record")])
    rows = np.array([at[str(f)] for f in labels["feeder"]], np.int64)
    on = pd.to_datetime(labels["on"]) if "on" in labels else pd.Series([pd.NaT] * len(labels))
    return rows, labels["found"].to_numpy(np.int64), on.to_numpy().astype("datetime64[D]")


def _fault_words(seen: Look) -> list[str]:
    words = []
    for k, what in enumerate(("readings that jump", "h in which a meter stood still", "h of nothing (outage)")):
        n, feeders = int(seen.faults[:, k].sum()), int((seen.faults[:, k] > 0).sum())
        if n:
            words.append(f"left out: {n} {what}, on {feeders} feeders")
    short = int((seen.changes.days_used < 56).sum())
    if short:
        words.append(f"{short} feeders have fewer than 56 whole days: nothing is said of them but their prior")
    return words


def _json(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value

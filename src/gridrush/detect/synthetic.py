"""Synthetic feeders with and without farms, so that everything here can be tried where no meter is at hand.

NOT MEASURED. Loads are drawn from the case's month-by-hour demand shape, made-up weather and made-up customers; the
shapes of customers are drawn afresh for each feeder and are not those that `inference` compares with. What is found
here says how the method does against these confounders, not how it will do on a real network.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from gridrush.case.load import load_case
from gridrush.case.model import Case
from gridrush.detect.records import Facts, Records
from gridrush.units import Floats

TARIFFS = ("household", "commerce", "industry", "farming")
MIX = (0.5, 0.25, 0.15, 0.1)
CONFOUNDERS = (
    "none", "telecom", "cold store", "data centre", "continuous plant", "greenhouse", "pumping", "shop", "one shift",
    "growth", "transfer",
)  # fmt: skip
"""Honest things that come (or grow) in the middle of the record; the first four after `none` are flat or nearly so."""
TAN_PHI = {"household": 0.30, "commerce": 0.35, "industry": 0.60, "farming": 0.55}
TAN_NEW = {
    "telecom": 0.15, "cold store": 0.65, "data centre": 0.10, "continuous plant": 0.60, "greenhouse": 0.30,
    "pumping": 0.65, "shop": 0.35, "one shift": 0.60,
}  # fmt: skip
TAN_FARM = 0.08
OUTAGE_H = 60


@dataclass(frozen=True)
class Example:
    """A synthetic record, what is true of each feeder, and the events in it. SYNTHETIC."""

    records: Records
    truth: pd.DataFrame  # feeder, farm_mw (unregistered, at the end), farm_from, duty, metered, confounder, came_mw
    events: pd.DataFrame  # start, end, kind


def stream(seed: int, task: str, sample: int = 0) -> np.random.Generator:
    """Random stream of one feeder: a function of its name alone."""
    tag = int.from_bytes(hashlib.blake2b(task.encode(), digest_size=8).digest(), "big")
    return np.random.Generator(np.random.Philox(key=[seed, tag], counter=[0, 0, 0, sample]))


def _slow(rng: np.random.Generator, n: int, rho: float, std: float) -> Floats:
    """AR(1) noise of standard deviation std. (n,)"""
    from scipy.signal import lfilter

    shocks = rng.standard_normal(n) * std * np.sqrt(1 - rho * rho)
    shocks[0] = rng.standard_normal() * std
    return np.asarray(lfilter([1.0], [1.0, -rho], shocks))


def _bump(hour: Floats, at: float, width: float) -> Floats:
    away = np.minimum(np.abs(hour - at), 24 - np.abs(hour - at))
    return np.asarray(np.exp(-0.5 * (away / width) ** 2))


class _World:
    """Calendar, weather and the system's shape, the same for all feeders."""

    def __init__(self, case: Case, start: date, days: int, seed: int, offset_h: int) -> None:
        self.time = np.datetime64(start, "h") + np.arange(24 * days).astype("timedelta64[h]")
        local = self.time + np.timedelta64(offset_h, "h")
        self.hour = (local.astype(np.int64) % 24).astype(np.float64)
        self.day = (local.astype("datetime64[D]") - local[0].astype("datetime64[D]")).astype(np.int64)
        month = local.astype("datetime64[M]").astype(np.int64) % 12
        date_of = local.astype("datetime64[D]").astype(np.int64)
        self.rest = (date_of + 3) % 7 >= 5
        table = np.full((12, 24), np.nan)
        for row in case.demand_shape:
            table[row.month - 1, row.hour] = row.mean_pu
        # between the middles of months, so that no load jumps on the first of one
        of_month = (date_of - local.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)) / 30.4 - 0.5
        near = (month + np.where(of_month < 0, -1, 1)) % 12
        far = np.abs(of_month)
        at_hour, level = self.hour.astype(np.int64), table.mean(axis=1) / table.mean()
        self.system = (1 - far) * table[month, at_hour] + far * table[near, at_hour]
        self.monthly = (1 - far) * level[month] + far * level[near]
        year = 2 * np.pi * ((date_of % 365.25) - 15) / 365.25
        rng = stream(seed, "weather")
        front = _slow(rng, int(self.day[-1]) + 1, 0.75, 4.0)[self.day]
        self.temperature = 6.0 - 16.0 * np.cos(year) + front + 5.0 * np.cos(2 * np.pi * (self.hour - 15) / 24)
        daily = np.bincount(self.day, self.temperature) / np.bincount(self.day)
        self.heat = np.maximum(15.0 - daily, 0.0)[self.day]
        self.cool = np.maximum(daily - 22.0, 0.0)[self.day]
        self.light = np.clip(0.5 - 0.35 * np.cos(year), 0.0, 1.0)  # share of the day that is light


def _customers(kind: str, w: _World, rng: np.random.Generator) -> Floats:
    """Load of a group of customers, mean about 1. (T,)"""
    work = np.where(w.rest, rng.uniform(0.15, 0.5), 1.0)
    if kind == "household":
        peak = rng.uniform(1.5, 3.5)
        evening = 1 + rng.uniform(0.1, 0.5) * _bump(w.hour, rng.uniform(18.5, 21), rng.uniform(1.5, 3))
        load = np.maximum(1 + peak * (w.system / w.monthly - 1), 0.2) * w.monthly ** rng.uniform(0.5, 1.5) * evening
        load = load * (1 + np.where(w.rest, rng.uniform(0.0, 0.15) * _bump(w.hour, 13, 4), 0.0))
        load = load * (1 + rng.uniform(0.002, 0.02) * w.heat + rng.uniform(0.0, 0.03) * w.cool)
    elif kind in ("commerce", "shop"):
        open_h = _bump(w.hour, rng.uniform(12.5, 15.5), rng.uniform(3, 4.5))
        load = rng.uniform(0.25, 0.5) + 2.0 * open_h * np.where(w.rest, rng.uniform(0.2, 0.9), 1.0)
        load = load * (1 + rng.uniform(0.0, 0.01) * w.heat + rng.uniform(0.01, 0.04) * w.cool)
    elif kind in ("industry", "one shift"):
        long = kind == "industry" and rng.random() < 0.4
        shift = _bump(w.hour, rng.uniform(12, 14), rng.uniform(5.5, 8) if long else rng.uniform(3, 4.5))
        load = rng.uniform(0.25, 0.6) + 1.5 * shift * work
    elif kind == "farming" or kind == "pumping":
        season = np.clip((w.light - 0.5) / 0.35, 0.0, 1.0) ** rng.uniform(0.5, 1.5)
        load = 0.15 + 1.6 * season * (1 + rng.uniform(-0.2, 0.2) * np.cos(2 * np.pi * w.hour / 24))
        if kind == "farming":
            load = load + rng.uniform(0.5, 1.0) * _customers("household", w, rng)
    elif kind == "greenhouse":
        dark = np.abs(w.hour - 12) / 12 > w.light * rng.uniform(0.8, 1.1)
        load = 0.2 + 2.0 * dark * np.clip(1.4 - 1.6 * w.light, 0.0, 1.0)
    elif kind == "cold store":
        load = 1 + 0.012 * (w.temperature - 6.0) + rng.uniform(-0.15, 0.1) * _bump(w.hour, 14, 4)
    elif kind == "data centre":
        load = 1 + 0.004 * np.maximum(w.temperature - 10, 0) + 0.02 * _bump(w.hour, 15, 5) * ~w.rest
    elif kind == "telecom":
        load = 1 + 0.005 * np.maximum(w.temperature - 15, 0) + 0.08 * _bump(w.hour, 20, 4)
    else:  # continuous plant
        load = 1 + rng.uniform(-0.02, 0.06) * _bump(w.hour, 13, 4) - np.where(w.rest, rng.uniform(0.0, 0.15), 0.0)
    load = load * (1 + _slow(rng, load.size, 0.8, 0.02)) * (1 + _slow(rng, int(w.day[-1]) + 1, 0.5, 0.015)[w.day])
    return np.asarray(np.maximum(load, 0.0) / load.mean())


def _farm(w: _World, rng: np.random.Generator, duty: str, events: pd.DataFrame) -> Floats:
    """Load of a farm over its machines' power: uptime, fans, trips, duty and how it takes events. (T,)"""
    up = np.clip(rng.uniform(0.93, 0.99) + _slow(rng, w.time.size, 0.95, 0.012), 0.0, 1.0)
    load = up * (1 + 0.0015 * np.maximum(w.temperature - 5.0, 0.0))
    for at in np.flatnonzero(rng.random(w.time.size) < 1 / 2000):
        load[at : at + int(rng.integers(1, 12))] *= rng.uniform(0.0, 0.6)
    if duty == "night":
        load = load * ((w.hour >= rng.integers(20, 23)) | (w.hour < rng.integers(6, 9)))
    elif duty == "off peak":
        load = load * ~((w.hour >= 18) & (w.hour < 22))
    for start, end, kind in events[["start", "end", "kind"]].itertuples(index=False):
        inside = (w.time >= np.datetime64(start, "h")) & (w.time < np.datetime64(end, "h"))
        left = rng.uniform(0.0, 0.2) if kind == "internet_outage" else rng.uniform(0.5, 1.0)
        load[inside] *= left
    return np.asarray(load)


def synthetic(
    feeders: int = 200,
    *,
    days: int = 365,
    seed: int = 1,
    start: date = date(2021, 1, 1),
    farm_share: float = 0.10,
    farm_load_share: tuple[float, float] = (0.05, 0.5),
    honest_change_share: float = 0.5,
    before_share: float = 0.25,
    duties: tuple[str, ...] = ("flat",) * 7 + ("night", "off peak", "off peak"),
    confounders: tuple[str, ...] = CONFOUNDERS[1:],
    faults: bool = True,
    utc_offset_h: int = 6,
    case: Case | None = None,
) -> Example:
    """A synthetic network of feeders, some with a farm. SYNTHETIC; the same for the same arguments.

    Parameters
    ----------
    feeders, days : int
    farm_share : float
        Share of feeders with an unregistered farm.
    farm_load_share : (float, float)
        The farm's machines over the mean load of the feeder's other customers, drawn between these.
    honest_change_share : float
        Share of feeders to which one of `confounders` comes in the middle.
    before_share : float
        Share of farms that stood there before the record begins.
    duties : tuple of str
        Drawn from: flat, night, off peak.
    faults : bool
        Whether meters fail: gaps, jumps, a reading that stands still.
    case : Case, optional
        Whose demand shape is used; default: Kazakhstan.
    """
    w = _World(case or load_case("kazakhstan"), start, days, seed, utc_offset_h)
    T = w.time.size
    outage = w.time[0] + np.timedelta64(int(0.92 * T), "h")
    fall = w.time[0] + np.timedelta64(int(0.80 * T), "h")
    events = pd.DataFrame(
        {
            "start": [str(fall), str(outage)],
            "end": [str(fall + np.timedelta64(24 * 10, "h")), str(outage + np.timedelta64(OUTAGE_H, "h"))],
            "kind": ["price_collapse", "internet_outage"],
        }
    )
    load, reactive = np.zeros((feeders, T), np.float32), np.zeros((feeders, T), np.float32)
    metered = np.zeros((feeders, T), np.float32)
    rated, customers = np.zeros(feeders), np.zeros(feeders)
    registered, known = np.zeros(feeders), np.zeros(feeders)
    tariffs, rows = [], []
    for i in range(feeders):
        rng = stream(seed, "feeder", i)
        tariff = TARIFFS[int(rng.choice(len(TARIFFS), p=MIX))]
        tariffs.append(tariff)
        size = float(np.exp(rng.normal(np.log(4.0), 0.5)))
        parts = [(tariff, 0.75), ("household" if tariff != "household" else "commerce", 0.25)]
        usual = size * sum(share * _customers(kind, w, rng) for kind, share in parts)
        usual = usual * (1 + _slow(rng, days + 2, 0.6, rng.uniform(0.01, 0.025))[w.day])
        usual = usual * (1 + rng.uniform(-0.04, 0.08) * np.arange(T) / 8766)
        q = usual * sum(TAN_PHI[kind] * share for kind, share in parts)
        came, came_mw = "none", 0.0
        came_from: Any = pd.NaT
        if rng.random() < honest_change_share:
            came = confounders[int(rng.integers(len(confounders)))]
            at = int(rng.uniform(0.15, 0.85) * T)
            came_from = pd.Timestamp(w.time[at])
            came_mw = size * rng.uniform(0.05, 0.3)
            if came == "growth":
                usual[at:] *= 1 + came_mw / size
                q[at:] *= 1 + came_mw / size
            else:
                new = came_mw * _customers("household" if came == "transfer" else came, w, rng)
                new[:at] = 0.0
                usual = usual + new
                q = q + TAN_NEW.get(came, 0.30) * new
                if came in ("cold store", "data centre", "telecom", "continuous plant") and rng.random() < 0.5:
                    known[i] = came_mw  # the operator was told
        farm_mw, duty, seen = 0.0, "", True
        began: Any = pd.NaT
        mined = np.zeros(T)
        if rng.random() < farm_share:
            duty = duties[int(rng.integers(len(duties)))]
            full = size * rng.uniform(*farm_load_share)
            at = 0 if rng.random() < before_share else int(rng.uniform(0.1, 0.9) * T)
            began = pd.Timestamp(w.time[at])
            ramp = np.clip((np.arange(T) - at + 1) / max(24 * rng.uniform(0, 20), 1), 0.0, 1.0)
            mined = full * _farm(w, rng, duty, events) * (ramp if at else 1.0) * (np.arange(T) >= at)
            last = T
            if rng.random() < 0.1:
                last = int(rng.uniform((at / T + 1) / 2, 1.0) * T)
                mined[last:] = 0.0
            seen = rng.random() < 0.5
            farm_mw = float(mined[-24 * 14 :].mean()) if last == T else 0.0
        licensed = np.zeros(T)
        if rng.random() < 0.02:
            registered[i] = size * rng.uniform(0.1, 0.4)
            licensed = registered[i] * _farm(w, rng, "flat", events)
        customers[i] = np.round(size * rng.uniform(300, 900))
        served = usual + licensed + (mined if seen else 0.0)
        total = usual + licensed + mined
        rated[i] = np.ceil(1.3 * total.max())
        metered[i] = served * (1 - rng.uniform(0.02, 0.05) - 0.03 * served / rated[i])
        load[i] = total
        reactive[i] = q + TAN_FARM * (mined + licensed)
        rows.append((f"F{i + 1:04d}", farm_mw, began, duty, seen, came, came_mw, came_from))
        if faults:
            for _ in range(int(rng.poisson(3 * days / 365))):
                hole = int(rng.integers(T))
                load[i, hole : hole + int(rng.integers(1, 72))] = np.nan
            if rng.random() < 0.05:
                load[i, int(rng.integers(T))] *= 40
            if rng.random() < 0.05:
                hole = int(rng.integers(T - 200))
                load[i, hole : hole + 120] = load[i, hole]
    truth = pd.DataFrame(
        rows,
        columns=["feeder", "farm_mw", "farm_from", "duty", "metered", "confounder", "came_mw", "came_from"],
    )
    facts = Facts(rated, customers, tuple(tariffs), registered, known)
    records = Records(
        tuple(truth["feeder"]), w.time, load, facts, np.full(T, utc_offset_h, np.int64), reactive, metered,
        np.asarray(w.temperature), said=("SYNTHETIC record: drawn, not measured",),
    )  # fmt: skip
    return Example(records, truth, events)

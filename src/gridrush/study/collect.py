"""Gathers months of hours into the data sets of a `Run`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.case.system import BlockKind, Ints, Units
from gridrush.grid.network import GridModel
from gridrush.study._kernels import month_rows
from gridrush.study.hours import MonthHours
from gridrush.units import Floats

FUELS = ("coal", "gas", "oil", "hydro", "wind", "solar", "nuclear", "other")
"""Fuels in the order they are drawn; a case's other fuels are counted as `other`."""

_FUEL_NAMES = {"uranium": "nuclear", "sun": "solar", "water": "hydro"}

_MONTH_ROWS: Any = month_rows  # numba's types do not know about unpacked arguments

OIL_BURNERS = ("coal_supercritical", "coal_subcritical", "coal_chp", "gas_steam", "gas_chp")
"""Technologies that start and steady their flame with oil."""

SERIES = (
    "generation_mw", "import_mw", "load_mw", "registered_mw", "unregistered_mw", "export_mw", "charged_mw",
    "discharged_mw", "spilled_mw", "loss_mw", "inflow_mw", "unserved_mw", "interrupted_mw", "price_usd_per_mwh",
)  # fmt: skip
"""Series of each hour and zone, generation by fuel first; see `Run`."""

TOTALS = (
    ("demand_twh", "zone", 1e-6), ("registered_twh", "zone", 1e-6), ("unregistered_twh", "zone", 1e-6),
    ("generation_twh", "fuel", 1e-6), ("import_twh", "", 1e-6), ("export_twh", "", 1e-6),
    ("unserved_gwh", "zone", 1e-3), ("shortfall_h", "zone", 1.0), ("interrupted_gwh", "zone", 1e-3),
    ("co2_mt", "", 1e-6), ("fuel_usd", "", 1.0), ("import_usd", "", 1.0), ("export_usd", "", 1.0),
    ("unserved_usd", "", 1.0),
)  # fmt: skip
"""Sums over hours of a year: name, axis, and what one unit of the sum (MWh, t, USD, h) is."""

PEAKS = ("peak_mw", "autumn_evening_peak_mw", "installed_mw", "available_mw")
"""Yearly figures that are the highest of the months."""


@dataclass(frozen=True, eq=False)
class MonthSums:
    """What the year keeps of a month."""

    totals: Floats  # (S, K) `TOTALS` one after the other
    at: dict[str, slice]  # columns of each
    peaks: Floats  # (S, 4) `PEAKS`; -inf where the month has none
    residual_share: float  # largest |balance| over load of any zone-hour

    def of(self, *names: str) -> list[Floats]:
        """Some of `TOTALS` as they are added up (MWh, t, USD, h), mean over samples. (zones or fuels,) each"""
        mean = self.totals[0] if len(self.totals) == 1 else self.totals.mean(axis=0)
        return [mean[self.at[name]] for name in names]


@dataclass(eq=False)
class Collector:
    """Sums by year and sample, the hours of the first path (where `hours` says so), and months."""

    case: Case
    model: GridModel
    years: tuple[int, ...]
    samples: int
    hours: bool = True
    monthly: dict[str, list[Floats | float]] = field(default_factory=dict)
    months: list[int] = field(default_factory=list)
    residual_share: float = 0.0  # largest |balance| over load of any zone-hour, before rounding to 32 bits
    totals: Floats = field(init=False)  # (Y, S, K)
    peaks: Floats = field(init=False)  # (Y, S, 4)
    _at: dict[str, slice] = field(init=False)  # columns of `totals`
    _series: NDArray[np.float32] = field(init=False)  # (R, hours) of the months so far, and room for the others
    _kept: int = 0  # hours so far
    _flows: list[tuple[tuple[str, ...], Floats]] = field(default_factory=list)  # links, (L, hours)
    _time: list[np.ndarray] = field(default_factory=list)
    _weights: dict[Units, _Weights] = field(default_factory=dict)
    _sums_of: Floats = field(init=False)  # (K, rows + 3)
    _rows: Floats = field(default_factory=lambda: np.empty(0))  # room for the rows of a month

    def __post_init__(self) -> None:
        sizes = {"": 1, "zone": len(self.case.zones), "fuel": len(FUELS)}
        ends = np.cumsum([0, *(sizes[axis] for _, axis, _ in TOTALS)]).tolist()
        self._at = {name: slice(*span) for (name, *_), span in zip(TOTALS, pairwise(ends), strict=True)}
        self.totals = np.zeros((len(self.years), self.samples, ends[-1]))
        rows = (len(FUELS) + len(SERIES) - 1) * len(self.case.zones)
        self._series = np.empty((rows, 8760 * len(self.years) if self.hours else 0), np.float32)
        self._sums_of = _sums_of(len(self.case.zones))
        self.peaks = np.full((len(self.years), self.samples, len(PEAKS)), -np.inf)

    def add(self, m: MonthHours, *, evening: np.ndarray) -> MonthSums:
        """Add a month of hours, and give what the year keeps of it.

        Parameters
        ----------
        evening : ndarray of bool, shape (hours,)
            Hours of the autumn evening window, of one path.
        """
        s, d, S, H = m.system, m.dispatch, self.samples, m.hours
        T, w = s.time.size, self._weights_of(s.units)
        if self._rows.size < len(self._sums_of.T) * T:
            self._rows = np.empty(len(self._sums_of.T) * T)
        rows = self._rows[: (len(self._sums_of.T) - 3) * T].reshape(-1, T)
        generation = d.generation_mw.T
        lost, sold = _counted(s.demand.kind, len(s.zones))
        along_time = (np.ascontiguousarray(mw.T) for mw in (
            m.consumers_mw, m.registered_mw, m.unregistered_mw, m.unserved_mw, m.interrupted_mw,
        ))  # fmt: skip
        sums, peaks = np.empty((S, len(rows) + 3)), np.empty((S, len(PEAKS)))
        residual = _MONTH_ROWS(
            generation, w.row, w.oil_row, w.oil_share, d.served_mw.T, s.demand.load_mw, s.demand.zone, lost, sold,
            s.demand.value_usd_per_mwh, d.flow_mw.T, s.links.source, s.links.target, s.links.loss_share,
            d.price_usd_per_mwh.T, d.spilled_mw.T, d.charge_mw, d.discharge_mw, s.storage.zone, *along_time,
            len(s.zones), w.by_unit, evening, rows, sums, peaks,
        )  # fmt: skip
        if m.month % 12 == 6:
            peaks[:, 2] = self.model.installed_mw(m.month)
            peaks[:, 3] = self.model.installed_mw(m.month, available=True)
        found = MonthSums(sums @ self._sums_of.T, self._at, peaks, float(residual))
        self.add_sums(m.year_index, found)
        if self.hours:
            self._series[:, self._kept : self._kept + H] = rows[: len(self._series), :H]
            self._kept += H
            self._flows.append((s.links.name, d.flow_mw[:H].T.astype(np.float32)))
            self._time.append(s.time[:H])
        return found

    def add_sums(self, year_index: int, month: MonthSums) -> None:
        """Add what a year keeps of a month."""
        self.totals[year_index] += month.totals
        np.maximum(self.peaks[year_index], month.peaks, out=self.peaks[year_index])
        self.residual_share = max(self.residual_share, month.residual_share)

    def _weights_of(self, units: Units) -> _Weights:
        if units not in self._weights:
            zones = len(self.case.zones)
            self._weights[units] = _weights(units, zones, self.case.parameters.oil_start_share.value)
        return self._weights[units]

    def add_month(self, month: int, values: Mapping[str, Floats | float]) -> None:
        """Add figures of a month (12 year + month - 1)."""
        self.months.append(month)
        for name, value in values.items():
            self.monthly.setdefault(name, []).append(value)

    def hourly_dataset(self) -> xr.Dataset:
        """Hours of the first path; nothing where hours are not kept."""
        if not self._time:
            return xr.Dataset()
        zones, F = list(self.case.zone_names), len(FUELS)
        Z = len(zones)
        rows = self._series[:, : self._kept]
        links = list(dict.fromkeys(n for names, _ in self._flows for n in names))
        flow, end = np.zeros((len(links), rows.shape[1]), np.float32), 0
        for names, mw in self._flows:
            flow[[links.index(n) for n in names], end : end + mw.shape[1]] = mw
            end += mw.shape[1]
        out = xr.Dataset(
            {
                "generation_mw": (("time", "fuel", "zone"), rows[: F * Z].reshape(F, Z, -1).transpose(2, 0, 1)),
                **{name: (("time", "zone"), mw.T) for name, mw in _by_name(rows, Z).items()},
                "flow_mw": (("time", "link"), flow.T),
            },
            coords={"time": np.concatenate(self._time), "zone": zones, "fuel": list(FUELS), "link": links},
        )
        for key in out.data_vars:
            out[key].attrs["units"] = "USD/MWh" if str(key).startswith("price") else "MW"
        out.attrs["largest_balance_residual_share"] = self.residual_share
        return out

    def monthly_dataset(self) -> xr.Dataset:
        """Months."""
        stamps = np.array([np.datetime64(f"{m // 12:04d}-{m % 12 + 1:02d}", "M") for m in self.months])
        variables = {}
        for name, parts in self.monthly.items():
            value = np.array(parts, np.float64)
            last = () if value.ndim == 1 else (("zone",) if name != "mining_mw" else ("bound",))
            variables[name] = (("month", *last), value)
        coords = {"month": stamps.astype("datetime64[ns]"), "zone": list(self.case.zone_names),
                  "bound": ["low", "best", "high"]}  # fmt: skip
        out = xr.Dataset(variables, coords=coords)
        for key in out.data_vars:
            out[key].attrs["units"] = _unit_of(str(key))
        return out

    def annual_dataset(self) -> xr.Dataset:
        """Years: mean over samples, and its standard error."""
        coords = {"year": list(self.years), "zone": list(self.case.zone_names), "fuel": list(FUELS)}
        values: dict[str, tuple[tuple[str, ...], Floats]] = {}
        for name, axis, unit in TOTALS:
            part = unit * self.totals[:, :, self._at[name]]
            values[name] = (("year", axis), part) if axis else (("year",), part[:, :, 0])
        values |= {name: (("year",), self.peaks[:, :, i]) for i, name in enumerate(PEAKS)
                   if np.isfinite(self.peaks[:, :, i]).all()}  # fmt: skip
        variables = {}
        for name, (dims, value) in values.items():
            variables[name] = (dims, value.mean(axis=1))
            if self.samples > 1:
                error = value.std(axis=1, ddof=1) / np.sqrt(self.samples)
                variables[f"{name}_stderr"] = (dims, error)
        out = xr.Dataset(variables, coords=coords)
        out["net_import_twh"] = out["import_twh"] - out["export_twh"]
        for key in out.data_vars:
            out[key].attrs["units"] = _unit_of(str(key).removesuffix("_stderr"))
        return out


def _by_name(rows: NDArray[Any], zones: int) -> dict[str, NDArray[Any]]:
    """Rows (Z, ...) of each of `SERIES` but generation."""
    first = len(FUELS) * zones
    return {name: rows[first + i * zones : first + (i + 1) * zones] for i, name in enumerate(SERIES[1:])}


@lru_cache(maxsize=64)
def _counted(kinds: tuple[BlockKind, ...], zones: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Blocks of which what is not served is counted, and those that are sales abroad. (B,) each"""
    lost, sold = np.array([k == "firm" for k in kinds], np.bool_), np.array([k == "export" for k in kinds], np.bool_)
    lost[: 2 * zones] = True
    lost[2 * zones : 3 * zones] = False  # registered miners, whatever they count as
    return lost, sold


@dataclass(frozen=True, eq=False)
class _Weights:
    """What units add to."""

    row: Ints  # (G,) of a month's rows
    oil_row: Ints  # (G,) row of the oil that starts and steadies its flame
    oil_share: Floats  # (G,) of what it gives
    by_unit: Floats  # (G, 3) CO2 [t/MWh], cost of fuel, cost of imports [USD/MWh]


def _weights(u: Units, zones: int, oil_start_share: float) -> _Weights:
    """Weights of units in the rows of a month and in its sums.

    A share of what boilers give comes from the oil that starts and steadies their flame.
    """
    home = np.array([f != "import" for f in u.fuel])
    names = [_FUEL_NAMES.get(f, f) for f in u.fuel]
    fuel = np.array([FUELS.index(n) if n in FUELS else FUELS.index("other") for n in names], np.int64)
    oil = np.array([oil_start_share if t in OIL_BURNERS else 0.0 for t in u.technology]) * home
    own = np.where(home, fuel, len(FUELS)) * zones + u.zone
    cost = u.cost_usd_per_mwh
    by_unit = np.stack([u.co2_t_per_mwh, cost * home, cost * ~home], axis=1)
    return _Weights(own, FUELS.index("oil") * zones + u.zone, oil, by_unit)


def _sums_of(zones: int) -> Floats:
    """What of a month's rows, and of CO2, cost of fuel and of imports, goes into each of `TOTALS`. (K, rows + 3)

    Rows: `SERIES` by zone, generation by fuel before, then load wanted and hours short by zone, and for the country
    load wanted, value of load not served, and income from sales.
    """
    F, Z = len(FUELS), zones
    first = {name: F * Z + i * Z for i, name in enumerate(SERIES[1:])}
    wanted = F * Z + (len(SERIES) - 1) * Z
    nation = wanted + 2 * Z
    zone = {"demand_twh": wanted, "registered_twh": first["registered_mw"], "shortfall_h": wanted + Z,
            "unregistered_twh": first["unregistered_mw"], "unserved_gwh": first["unserved_mw"],
            "interrupted_gwh": first["interrupted_mw"]}  # fmt: skip
    whole = {"import_twh": range(first["import_mw"], first["import_mw"] + Z),
             "export_twh": range(first["export_mw"], first["export_mw"] + Z), "unserved_usd": [nation + 1],
             "export_usd": [nation + 2], "co2_mt": [nation + 3], "fuel_usd": [nation + 4],
             "import_usd": [nation + 5]}  # fmt: skip
    parts: list[Sequence[int]] = []
    for name, axis, _ in TOTALS:
        if axis == "zone":
            parts += [[zone[name] + z] for z in range(Z)]
        else:
            parts += [range(f * Z, f * Z + Z) for f in range(F)] if axis == "fuel" else [whole[name]]
    out = np.zeros((len(parts), nation + 6))
    for k, rows in enumerate(parts):
        out[k, rows] = 1.0
    return out


def _unit_of(name: str) -> str:
    ends = {"_twh": "TWh", "_gwh": "GWh", "_mw": "MW", "_usd": "USD", "_mt": "Mt", "_h": "h", "_share": "1",
            "_ehs": "EH/s", "_usd_per_mwh": "USD/MWh", "_usd_per_ph_day": "USD/PH/day"}  # fmt: skip
    return next((unit for end, unit in sorted(ends.items(), key=lambda x: -len(x[0])) if name.endswith(end)), "1")

"""Gathers months of hours into the data sets of a `Run`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from gridrush.case.model import Case
from gridrush.case.system import Ints, System, Units
from gridrush.grid.network import GridModel
from gridrush.study._kernels import add_rows
from gridrush.study.hours import MonthHours
from gridrush.units import Floats

FUELS = ("coal", "gas", "oil", "hydro", "wind", "solar", "nuclear", "other")
"""Fuels in the order they are drawn; a case's other fuels are counted as `other`."""

_FUEL_NAMES = {"uranium": "nuclear", "sun": "solar", "water": "hydro"}

OIL_BURNERS = ("coal_supercritical", "coal_subcritical", "coal_chp", "gas_steam", "gas_chp")
"""Technologies that start and steady their flame with oil."""

EVENING_HOURS = (18, 19, 20, 21)
AUTUMN_MONTHS = (9, 10, 11)
"""The window of the autumn evening peak, legal time: KEGOC, October 2021, cuts 17:30-20:30 in Kyzylorda."""


@dataclass(eq=False)
class Collector:
    """Sums by year and sample, the hours of the first path, and months."""

    case: Case
    model: GridModel
    years: tuple[int, ...]
    samples: int
    sums: dict[str, Floats] = field(default_factory=dict)  # name -> (Y, S, ...)
    hourly: dict[str, list[Floats]] = field(default_factory=dict)
    time: list[np.ndarray] = field(default_factory=list)
    monthly: dict[str, list[Floats]] = field(default_factory=dict)
    months: list[int] = field(default_factory=list)
    residual_share: float = 0.0  # largest |balance| over load of any zone-hour, before rounding to 32 bits
    links: tuple[str, ...] = ()
    events: dict[str, Floats] = field(default_factory=dict)
    _sums: dict[Units, tuple[Ints, Floats]] = field(default_factory=dict)

    def _sum(self, name: str, year: int, value: Floats) -> None:
        """Add (S, ...) to a year."""
        shape = (len(self.years), *value.shape)
        self.sums.setdefault(name, np.zeros(shape))[year] += value

    def _peak(self, name: str, year: int, value: Floats) -> None:
        at = self.sums.setdefault(name, np.full((len(self.years), *value.shape), -np.inf))
        at[year] = np.maximum(at[year], value)

    def add(self, m: MonthHours, *, evening: np.ndarray) -> None:
        """Add a month.

        Parameters
        ----------
        evening : ndarray of bool, shape (hours,)
            Hours of the autumn evening window, of one path.
        """
        s, d, S, H = m.system, m.dispatch, self.samples, m.hours
        Z, y = len(s.zones), m.year_index
        rows, weights = self._sums_of(s.units, Z)
        running = np.ascontiguousarray(d.generation_mw.T)
        sums = np.zeros((len(FUELS) * Z + Z + 3, s.time.size))
        for row, weight in zip(rows, weights, strict=True):
            add_rows(running, row, weight, sums)
        generation = sums[: len(FUELS) * Z].T.reshape(-1, len(FUELS), Z)
        imports = sums[len(FUELS) * Z : -3].T
        sold = [b for b, k in enumerate(s.demand.kind) if k == "export"]
        exports = np.zeros((s.time.size, Z))
        for b in sold:
            exports[:, s.demand.zone[b]] += d.served_mw[:, b]
        load = m.consumers_mw + m.unregistered_mw
        wanted = load + m.registered_mw

        def by_sample(x: Floats) -> Floats:
            return np.asarray(x.reshape(S, H, *x.shape[1:]).sum(axis=1))

        self._sum("demand_twh", y, by_sample(wanted) / 1e6)
        self._sum("registered_twh", y, by_sample(m.registered_mw) / 1e6)
        self._sum("unregistered_twh", y, by_sample(m.unregistered_mw) / 1e6)
        self._sum("generation_twh", y, by_sample(generation.sum(axis=2)) / 1e6)
        self._sum("import_twh", y, by_sample(imports.sum(axis=1)) / 1e6)
        self._sum("export_twh", y, by_sample(exports.sum(axis=1)) / 1e6)
        self._sum("unserved_gwh", y, by_sample(m.unserved_mw) / 1e3)
        self._sum("shortfall_h", y, by_sample((m.unserved_mw > 1e-3).astype(float)))
        self._sum("interrupted_gwh", y, by_sample(m.interrupted_mw) / 1e3)
        self._sum("co2_mt", y, by_sample(sums[-3]) / 1e6)
        self._sum("fuel_usd", y, by_sample(sums[-2]))
        self._sum("import_usd", y, by_sample(sums[-1]))
        self._sum("export_usd", y, by_sample((d.served_mw[:, sold] * s.demand.value_usd_per_mwh[sold]).sum(axis=1)))
        households, industry = s.demand.value_usd_per_mwh[0], s.demand.value_usd_per_mwh[Z]
        short = s.demand.load_mw - d.served_mw
        lost = short[:, :Z].sum(axis=1) * households + short[:, Z : 2 * Z].sum(axis=1) * industry
        for b in range(3 * Z, len(s.demand)):
            if s.demand.kind[b] == "firm":  # of movable loads
                lost = lost + short[:, b] * s.demand.value_usd_per_mwh[b]
        self._sum("unserved_usd", y, by_sample(lost))
        national = wanted.sum(axis=1).reshape(S, H)
        self._peak("peak_mw", y, national.max(axis=1))
        if evening.any():
            self._peak("autumn_evening_peak_mw", y, national[:, evening].max(axis=1))
        month_of_year = m.month % 12
        if month_of_year == 6:
            self._peak("installed_mw", y, np.full(S, self.model.installed_mw(m.month)))
            self._peak("available_mw", y, np.full(S, self.model.installed_mw(m.month, available=True)))
        self.links = self.links or s.links.name
        inflow = _inflow(s, d.flow_mw)
        loss = np.zeros((s.time.size, Z))
        for i in range(len(s.links)):
            f, share = d.flow_mw[:, i], s.links.loss_share[i]
            loss[:, s.links.target[i]] += share * np.maximum(f, 0.0)
            loss[:, s.links.source[i]] -= share * np.minimum(f, 0.0)
        store = _by_zone(s.storage.zone, Z).T
        charged, discharged = d.charge_mw @ store, d.discharge_mw @ store
        given = generation.sum(axis=1) + imports + discharged + inflow
        taken = wanted - m.unserved_mw - m.interrupted_mw + exports + charged + d.spilled_mw
        self.residual_share = max(self.residual_share, float((np.abs(given - taken) / wanted.clip(1.0)).max()))
        flow = np.zeros((s.time.size, len(self._link_names(s))))
        for i, name in enumerate(s.links.name):
            flow[:, self.links.index(name)] = d.flow_mw[:, i]
        self.time.append(s.time[:H])
        for name, value in {
            "load_mw": load, "registered_mw": m.registered_mw, "unregistered_mw": m.unregistered_mw,
            "generation_mw": generation, "import_mw": imports, "export_mw": exports, "charged_mw": charged,
            "discharged_mw": discharged, "spilled_mw": d.spilled_mw, "loss_mw": loss, "inflow_mw": inflow,
            "unserved_mw": m.unserved_mw, "interrupted_mw": m.interrupted_mw, "flow_mw": flow,
            "price_usd_per_mwh": d.price_usd_per_mwh,
        }.items():  # fmt: skip
            self.hourly.setdefault(name, []).append(np.asarray(value[:H], dtype=np.float32))

    def _sums_of(self, units: Units, zones: int) -> tuple[Ints, Floats]:
        if units not in self._sums:
            self._sums[units] = _sums(units, zones, self.case.parameters.oil_start_share.value)
        return self._sums[units]

    def _link_names(self, s: System) -> tuple[str, ...]:
        new = tuple(n for n in s.links.name if n not in self.links)
        self.links += new
        return self.links

    def add_month(self, month: int, values: dict[str, Floats]) -> None:
        """Add figures of a month (12 year + month - 1)."""
        self.months.append(month)
        for name, value in values.items():
            self.monthly.setdefault(name, []).append(np.asarray(value, dtype=np.float64))

    def hourly_dataset(self) -> xr.Dataset:
        """Hours of the first path."""
        zones = list(self.case.zone_names)
        n = len(self.links)
        flow = [np.pad(f, ((0, 0), (0, n - f.shape[1]))) for f in self.hourly["flow_mw"]]
        dims = {"generation_mw": ("time", "fuel", "zone"), "flow_mw": ("time", "link")}
        variables = {
            name: (dims.get(name, ("time", "zone")), np.concatenate(flow if name == "flow_mw" else parts))
            for name, parts in self.hourly.items()
        }
        out = xr.Dataset(
            variables,
            coords={"time": np.concatenate(self.time), "zone": zones, "fuel": list(FUELS), "link": list(self.links)},
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
            value = np.array(parts)
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
        variables = {}
        for name, value in self.sums.items():
            dims = ("year", *(("fuel",) if name == "generation_twh" else ("zone",) if value.ndim == 3 else ()))
            variables[name] = (dims, value.mean(axis=1))
            if self.samples > 1:
                error = value.std(axis=1, ddof=1) / np.sqrt(self.samples)
                variables[f"{name}_stderr"] = (dims, error)
        out = xr.Dataset(variables, coords=coords)
        out["net_import_twh"] = out["import_twh"] - out["export_twh"]
        for key in out.data_vars:
            out[key].attrs["units"] = _unit_of(str(key).removesuffix("_stderr"))
        return out


def _sums(u: Units, zones: int, oil_start_share: float) -> tuple[Ints, Floats]:
    """Rows each unit adds to, and how much: fuel and zone, oil, imports, CO2, cost of fuel, cost of imports. (6, G)

    A share of what boilers give comes from the oil that starts and steadies their flame.
    """
    G, F = len(u), len(FUELS)
    home = np.array([f != "import" for f in u.fuel])
    names = [_FUEL_NAMES.get(f, f) for f in u.fuel]
    fuel = np.array([FUELS.index(n) if n in FUELS else FUELS.index("other") for n in names], np.int64)
    oil = np.array([oil_start_share if t in OIL_BURNERS else 0.0 for t in u.technology])
    last = F * zones + zones
    rows = np.stack([fuel * zones + u.zone, FUELS.index("oil") * zones + u.zone, F * zones + u.zone,
                     *(np.full(G, last + i) for i in range(3))])  # fmt: skip
    cost = u.cost_usd_per_mwh
    return rows, np.stack([(1.0 - oil) * home, oil * home, 1.0 * ~home, u.co2_t_per_mwh, cost * home, cost * ~home])


def _unit_of(name: str) -> str:
    ends = {"_twh": "TWh", "_gwh": "GWh", "_mw": "MW", "_usd": "USD", "_mt": "Mt", "_h": "h", "_share": "1",
            "_ehs": "EH/s", "_usd_per_mwh": "USD/MWh", "_usd_per_ph_day": "USD/PH/day"}  # fmt: skip
    return next((unit for end, unit in sorted(ends.items(), key=lambda x: -len(x[0])) if name.endswith(end)), "1")


def _by_zone(zone: Ints, rows: int) -> Floats:
    """Matrix that sums items into zones. (Z, items)"""
    return np.asarray((zone[None, :] == np.arange(rows)[:, None]).astype(np.float64))


def _inflow(s: System, flow_mw: Floats) -> Floats:
    out = np.zeros((s.time.size, len(s.zones)))
    for i in range(len(s.links)):
        f, keep = flow_mw[:, i], 1.0 - s.links.loss_share[i]
        out[:, s.links.target[i]] += np.where(f >= 0, f * keep, f)
        out[:, s.links.source[i]] -= np.where(f >= 0, f, f * keep)
    return out

"""PyPSA networks as systems, and systems as PyPSA networks that solve to the same cost.

Buses become zones (or are gathered into zones), lines and transformers become links held only by their limits, and
what the dispatch model does not know is dropped and said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import NO_RESERVOIRS, BlockKind, Demand, Links, Reservoirs, Storage, System, Units
from gridrush.errors import CaseError, Problem
from gridrush.grid._pypsa_open import COMMITMENT, Zoning, hours_of_snapshots, open_network, zones_of
from gridrush.grid._pypsa_write import WATER, to_pypsa
from gridrush.units import Floats

if TYPE_CHECKING:
    import pandas as pd

VALUE_OF_LOST_LOAD_USD_PER_MWH = 10_000.0
"""Value given to PyPSA loads, which have none; a choice of this module, above the cost of any common generator."""
__all__ = ["VALUE_OF_LOST_LOAD_USD_PER_MWH", "from_pypsa", "to_pypsa"]


def from_pypsa(
    source: Any,
    *,
    zones: Zoning = None,
    value_usd_per_mwh: float = VALUE_OF_LOST_LOAD_USD_PER_MWH,
    period: int | None = None,
    extendable: bool = True,
    found: Sequence[Problem] = (),
) -> tuple[System, list[str]]:
    """System of a PyPSA network, and a line for everything that was dropped or changed.

    Parameters
    ----------
    source : path or pypsa.Network
        netCDF or HDF5 file, CSV folder, or a network in memory.
    zones : mapping, str or int, optional
        Zone of each bus: a mapping from bus to zone, the name of a column of `buses`, or a number of zones to gather
        buses into by distance. None: every bus is a zone. Links inside a zone vanish.
    value_usd_per_mwh : float
        Value of load that carries none. [USD/MWh]
    period : int, optional
        Investment period to read, with what is active in it. None: all, laid end to end.
    extendable : bool
        Whether components that can be extended are there, at their optimum if it is known, else at their present size.
    found : sequence of Problem
        What `open_network` told of a network in memory, to be raised with the rest.

    Snapshots that stand for a whole number of hours, of operation and of storage alike, appear that many times.

    Raises
    ------
    CaseError
        With every problem found: missing buses, negative limits, NaN series, series of other snapshots.
    """
    problems = list(found)
    n: Any = open_network(source, problems) if isinstance(source, str | Path) else source
    return _Reader(n, zones, value_usd_per_mwh, period, extendable, problems).system()


class _Reader:
    """One pass over a network; problems and dropped features gather on the way."""

    def __init__(
        self, n: Any, zones: Zoning, value: float, period: int | None, extendable: bool, problems: list[Problem]
    ) -> None:
        self.n, self.value, self.extendable, self.problems = n, value, extendable, problems
        self.dropped: list[str] = []
        years = n.snapshots.get_level_values(0) if n.snapshots.nlevels > 1 else None
        self.at = np.arange(len(n.snapshots))
        if period is not None:
            if years is None or period not in set(years):
                known = "nothing: there are none" if years is None else f"one of {sorted(set(years))}"
                raise CaseError([Problem("investment period", period, known)])
            self.at = np.flatnonzero(np.asarray(years) == period)
        self.years = None if years is None else np.asarray(years, np.int64)[self.at]
        self.T = self.at.size
        self.rows: list[Floats] = [np.ones(self.T), np.zeros(self.T)]
        self.row_of: dict[bytes, int] = {row.tobytes(): i for i, row in enumerate(self.rows)}
        if self.T == 0:
            self.problems.append(Problem("snapshots", 0, "at least one"))
        buses = n.buses.index[n.buses["carrier"] != WATER].astype(str)
        self.zone_of = zones_of(n, list(buses), zones, self.problems)
        self.zones = tuple(dict.fromkeys(self.zone_of.values()))
        self.units: list[tuple[Any, ...]] = []
        self.blocks: list[tuple[str, BlockKind, int, Floats, float]] = []
        self.links: list[tuple[Any, ...]] = []
        self.stores: list[tuple[Any, ...]] = []
        self.reservoirs: dict[str, Floats] = {}
        self.period: NDArray[np.int64] = np.zeros(self.T, np.int64)

    def _drop(self, kind: str, names: list[str], what: str) -> None:
        if names:
            few = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            self.dropped.append(f"{kind} {few}: {what}")

    def _frame(self, kind: str) -> pd.DataFrame:
        """Components of a kind that take part: active, alive in a period that is read, and of a size to count on."""
        table: pd.DataFrame = getattr(self.n, kind)
        keep = table["active"].astype(bool) if "active" in table else np.ones(len(table), bool)
        if self.years is not None and "build_year" in table:
            keep = keep & np.array([self._alive(r).any() for _, r in table.iterrows()], bool)
        size = {"lines": "s_nom", "transformers": "s_nom", "stores": "e_nom"}.get(kind, "p_nom")
        if not self.extendable and f"{size}_extendable" in table:
            keep = keep & ~table[f"{size}_extendable"].astype(bool)
        return table[keep]

    def _alive(self, row: pd.Series[Any]) -> Floats:
        """1 in snapshots of periods in which a component stands, else 0. (T,)"""
        if self.years is None or "build_year" not in row:
            return np.ones(self.T)
        age = self.years - float(row["build_year"])
        return np.asarray((age >= 0) & (age < float(row["lifetime"])), np.float64)

    def _zone(self, kind: str, name: str, bus: str) -> int:
        if bus in self.zone_of:
            return self.zones.index(self.zone_of[bus])
        self.problems.append(Problem(f"{kind}[{name}].bus", bus, "a bus of the network"))
        return 0

    def _series(self, kind: str, name: str, field: str, fixed: float) -> Floats:
        """Values over the snapshots, from the series when there is one."""
        table = getattr(self.n, f"{kind}_t").get(field)
        values = np.full(self.T, float(fixed))
        if table is not None and name in table:
            if not table.index.equals(self.n.snapshots):
                self.problems.append(
                    Problem(
                        f"{kind}_t.{field}[{name}]",
                        f"{len(table.index)} other snapshots",
                        f"the {len(self.n.snapshots)} snapshots of the network",
                    )
                )
                return np.zeros(self.T)
            values = table[name].to_numpy(np.float64)[self.at]
        if not np.isfinite(values).all():
            bad = int(np.argmax(~np.isfinite(values)))
            self.problems.append(
                Problem(f"{kind}[{name}].{field}", float(values[bad]), f"a finite number (snapshot {bad})")
            )
            return np.zeros(self.T)
        return values

    def _size(self, kind: str, name: str, row: pd.Series[Any], field: str) -> float:
        x = float(row[field])
        if bool(row.get(f"{field}_extendable", False)) and float(row.get(f"{field}_opt", 0.0)) > 0.0:
            x = float(row[f"{field}_opt"])
        if not x >= 0.0 or np.isinf(x):
            self.problems.append(Problem(f"{kind}[{name}].{field}", x, "a finite number >= 0 [MW]"))
            return 0.0
        return x

    def _profile(self, share: Floats) -> int:
        key = share.tobytes()
        if key not in self.row_of:
            self.row_of[key] = len(self.rows)
            self.rows.append(share)
        return self.row_of[key]

    def _unit(
        self,
        name: str,
        row: pd.Series[Any] | None,
        zone: int,
        high: Floats,
        low: Floats,
        cost: float,
        reservoir: int = -1,
    ) -> None:
        """A unit between two series of power; its capacity is the highest."""
        size = float(max(high.max(initial=0.0), 0.0))
        over = size if size > 0 else 1.0

        def get(key: str, other: Any) -> Any:
            return other if row is None or key not in row else row[key]

        co2 = float(get("co2_t_per_mwh", np.nan))
        if np.isnan(co2):
            co2 = self._co2(str(get("carrier", ""))) / float(get("efficiency", 1.0))
        ramp = [float(get(f"ramp_limit_{way}", np.nan)) for way in ("up", "down")]
        self.units.append(
            (
                name,
                str(get("carrier", "")),
                str(get("fuel", get("carrier", ""))),
                zone,
                size,
                cost,
                self._profile(np.clip(high / over, 0.0, 1.0)),
                self._profile(np.clip(low / over, 0.0, 1.0)),
                reservoir,
                float(get("mttf_h", np.inf)),
                float(get("mttr_h", 0.0)),
                float(get("maintenance_h", 0.0)),
                co2,
                min([1.0, *(r for r in ramp if np.isfinite(r))]),
            )
        )

    def _co2(self, carrier: str) -> float:
        """CO2 of a carrier. [t/MWh of primary energy]"""
        table = self.n.carriers
        return float(table.loc[carrier, "co2_emissions"]) if carrier in table.index else 0.0

    def _loads(self) -> None:
        cutters = self._frame("generators")
        cut_by = (
            {}
            if "cuts" not in cutters
            else {r["cuts"]: r for _, r in cutters.iterrows() if isinstance(r["cuts"], str) and r["cuts"]}
        )
        for name, row in self._frame("loads").iterrows():
            zone = self._zone("loads", str(name), str(row["bus"]))
            load = -float(row["sign"]) * self._series("loads", str(name), "p_set", row["p_set"])
            cut = cut_by.get(str(name))
            kind: BlockKind = "firm" if cut is None else cut["kind"]
            self.blocks.append(
                (
                    str(name),
                    kind,
                    zone,
                    np.maximum(load, 0.0),
                    self.value if cut is None else float(cut["marginal_cost"]),
                )
            )
            if (load < 0).any():
                self._unit(f"{name} (feeds in)", None, zone, np.maximum(-load, 0.0), np.maximum(-load, 0.0), 0.0)

    def _generators(self) -> None:
        table = self._frame("generators")
        water = set(self.n.buses.index[self.n.buses["carrier"] == WATER])
        for name, row in table.iterrows():
            at = str(name)
            if (isinstance(row.get("cuts"), str) and row["cuts"]) or row["bus"] in water:
                continue
            zone = self._zone("generators", at, str(row["bus"]))
            size = self._size("generators", at, row, "p_nom") * self._alive(row)
            high = size * self._series("generators", at, "p_max_pu", row["p_max_pu"])
            low = size * self._series("generators", at, "p_min_pu", row["p_min_pu"])
            cost = self._series("generators", at, "marginal_cost", row["marginal_cost"])
            if float(np.ptp(cost)) > 0.0:
                self._drop("generator", [at], "marginal cost that changes by snapshot, its mean is used")
            if float(row["sign"]) != 1.0:
                self.problems.append(Problem(f"generators[{at}].sign", float(row["sign"]), "1"))
            if row["committable"]:
                low = np.zeros(self.T)
            if (low > high + 1e-9).any():
                self.problems.append(
                    Problem(f"generators[{at}].p_min_pu", "above p_max_pu", "a share no larger than p_max_pu")
                )
            if (low < 0).any():  # a buyer at its marginal cost; a sink that costs nothing is what spilling is anyway
                if cost.mean() > 0:
                    self.blocks.append((f"{at} (buys)", "export", zone, np.maximum(-low, 0.0), float(cost.mean())))
                    self._drop("generator", [at], "consumption is an export block: cost counts what it does not buy")
                if not (high > 0).any():
                    continue
            reservoir = -1
            if np.isfinite(float(row["e_sum_max"])):
                reservoir = len(self.reservoirs)
                self.reservoirs[at] = np.array([max(float(row["e_sum_max"]), 0.0)])
            self._unit(at, row, zone, high, np.maximum(low, 0.0), float(cost.mean()), reservoir)
        for what, mask in (
            (COMMITMENT, table["committable"].astype(bool)),
            ("quadratic costs", table["marginal_cost_quadratic"] != 0),
            ("fixed output", table.index.isin(self.n.generators_t["p_set"].columns)),
            ("expansion; the optimum or the present size is used", table["p_nom_extendable"].astype(bool)),
            ("least energy", np.isfinite(table["e_sum_min"].astype(float))),
        ):
            self._drop("generators", [str(x) for x in table.index[mask]], what)

    def _efficiencies(self, at: str, row: Any) -> tuple[float, float]:
        """Of a storage unit, storing and giving back."""
        both = float(row["efficiency_store"]), float(row["efficiency_dispatch"])
        for name, x in zip(("efficiency_store", "efficiency_dispatch"), both, strict=True):
            if not 0.0 < x <= 1.0:
                self.problems.append(Problem(f"storage_units[{at}].{name}", x, "a share in (0, 1]"))
        return both

    def _branches(self) -> None:
        for kind in ("lines", "transformers"):
            table = self._frame(kind)
            for name, row in table.iterrows():
                ends = [self._zone(kind, str(name), str(row[b])) for b in ("bus0", "bus1")]
                size = self._size(kind, str(name), row, "s_nom") * self._alive(row)
                limit = size * self._series(kind, str(name), "s_max_pu", row["s_max_pu"])
                self._link(str(name), ends, limit, limit, 0.0)
            self._drop(
                kind,
                [str(x) for x in table.index],
                "impedances (Kirchhoff's voltage law); flows are held by limits only",
            )
        table = self._frame("links")
        water = set(self.n.buses.index[self.n.buses["carrier"] == WATER])
        for name, row in table.iterrows():
            at = str(name)
            size = self._size("links", at, row, "p_nom") * self._alive(row)
            high = size * self._series("links", at, "p_max_pu", row["p_max_pu"])
            low = size * self._series("links", at, "p_min_pu", row["p_min_pu"])
            keep = float(self._series("links", at, "efficiency", row["efficiency"]).mean())
            if row["bus0"] in water:
                where = list(self.reservoirs).index(str(row["bus0"]))
                zone = self._zone("links", at, str(row["bus1"]))
                self._unit(at, row, zone, high, np.maximum(low, 0.0), float(row["marginal_cost"]), where)
                continue
            if not 0.0 <= keep <= 1.0:
                self.problems.append(Problem(f"links[{at}].efficiency", keep, "a share in [0, 1]"))
                keep = 1.0
            ends = [self._zone("links", at, str(row[b])) for b in ("bus0", "bus1")]
            if (low > 0).any():
                self._drop("link", [at], "least flow")
            if keep < 1.0 and (low < 0).any():
                self._drop("link", [at], "backward flow loses power too")
            if float(row["marginal_cost"]) != 0.0:
                self._drop("link", [at], "cost of the flow")
            if any(
                str(row.get(c, "") or "") for c in table.columns if c.startswith("bus") and c not in ("bus0", "bus1")
            ):
                self._drop("link", [at], "third and further ends")
            self._link(at, ends, np.maximum(high, 0.0), np.maximum(-low, 0.0), 1.0 - keep)

    def _link(self, name: str, ends: list[int], forward: Floats, backward: Floats, loss: float) -> None:
        if ends[0] == ends[1]:
            return
        top = float(max(forward.max(initial=0.0), backward.max(initial=0.0)))
        share = np.maximum(forward, backward) / top if top > 0 else np.ones(self.T)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = [float(np.nanmax(np.where(share > 0, x / share, 0.0), initial=0.0)) for x in (forward, backward)]
        if not all(
            np.allclose(x, share * r, atol=1e-9 * max(top, 1.0))
            for x, r in zip((forward, backward), ratio, strict=True)
        ):
            for way, limit, a, b in (("there", forward, ends[0], ends[1]), ("back", backward, ends[1], ends[0])):
                high = float(limit.max(initial=0.0))
                row = self._profile(limit / high) if high > 0 else 0
                self.links.append((f"{name} {way}", a, b, high, 0.0, loss, row))
            return
        self.links.append(
            (name, *ends, float(ratio[0]), float(ratio[1]), loss, self._profile(np.clip(share, 0.0, 1.0)))
        )

    def _half_alive(self, kind: str, name: str, row: pd.Series[Any]) -> None:
        if not self._alive(row).all():
            self._drop(kind, [name], "stands in some of the periods only; it is there in all")

    def _storage(self) -> None:
        for name, row in self._frame("storage_units").iterrows():
            at = str(name)
            zone, size = self._zone("storage_units", at, str(row["bus"])), self._size("storage_units", at, row, "p_nom")
            self._half_alive("storage unit", at, row)
            up, down = (self._series("storage_units", at, f, row[f]) for f in ("p_max_pu", "p_min_pu"))
            if np.ptp(up) > 0 or np.ptp(down) > 0:
                self._drop("storage unit", [at], "limits that change by snapshot, the widest are used")
            inflow = self._series("storage_units", at, "inflow", row["inflow"])
            energy = size * float(row["max_hours"])
            if inflow.any():
                key = at
                self.reservoirs[key] = np.array([float(inflow.sum()) * float(row["efficiency_dispatch"])])
                self._unit(
                    at,
                    row,
                    zone,
                    size * np.maximum(up, 0.0),
                    np.zeros(self.T),
                    float(row["marginal_cost"]),
                    list(self.reservoirs).index(key),
                )
                self._drop(
                    "storage unit",
                    [at],
                    "inflow is one budget of energy over all snapshots; level and pumping are gone",
                )
                continue
            if row["cyclic_state_of_charge"]:
                first = 0.5
                self._drop("storage unit", [at], "free cyclic level, half full at both ends instead")
            else:
                first = float(np.clip(float(row["state_of_charge_initial"]) / energy, 0.0, 1.0)) if energy > 0 else 0.0
                fixed = self.n.storage_units_t["state_of_charge_set"]
                if at not in fixed or not np.isfinite(fixed[at].to_numpy()[self.at[-1]]):
                    self._drop("storage unit", [at], "free last level, the first is restored instead")
            for what, field in (("standing loss", "standing_loss"), ("cost of use", "marginal_cost")):
                if float(row[field]) != 0.0:
                    self._drop("storage unit", [at], what)
            self.stores.append(
                (
                    at,
                    zone,
                    size * max(-float(down.min()), 0.0),
                    size * max(float(up.max()), 0.0),
                    energy,
                    *self._efficiencies(at, row),
                    first,
                )
            )
        for name, row in self._frame("stores").iterrows():
            at, energy = str(name), self._size("stores", str(name), row, "e_nom")
            self._half_alive("store", at, row)
            first = float(np.clip(float(row["e_initial"]) / energy, 0.0, 1.0)) if energy > 0 else 0.0
            self._drop("store", [at], "free last level (or free cyclic level), the first is restored instead")
            if float(row["standing_loss"]) != 0.0:
                self._drop("store", [at], "standing loss")
            self.stores.append((at, self._zone("stores", at, str(row["bus"])), energy, energy, energy, 1.0, 1.0, first))

    def _water(self) -> None:
        """Reservoirs as `to_pypsa` writes them: a bus each, and a generator for each period."""
        table = self._frame("generators")
        for bus in self.n.buses.index[self.n.buses["carrier"] == WATER]:
            taps = table[table["bus"] == bus]
            energy = []
            for p, (name, row) in enumerate(taps.iterrows()):
                self.period[self._series("generators", str(name), "p_max_pu", row["p_max_pu"]) > 0] = p
                energy.append(float(row["e_sum_max"]))
            self.reservoirs[str(bus)] = np.array(energy)

    def system(self) -> tuple[System, list[str]]:
        self._water()
        for read in (self._loads, self._generators, self._branches, self._storage):
            read()
        hours, whole = hours_of_snapshots(self.n)
        if not whole:
            self._drop("snapshots", ["weightings"], "every snapshot counts as one hour")
        times = hours.astype(np.int64)[self.at] if whole else np.ones(self.T, np.int64)
        others = getattr(self.n, "processes", self.n.lines[:0])
        self._drop("processes", [str(x) for x in others.index], "not in the model")
        if len(self.n.global_constraints):
            self._drop("global constraints", [str(x) for x in self.n.global_constraints.index], "not in the model")
        if self.problems:
            raise CaseError(self.problems)
        stamps = self.n.snapshots.get_level_values(-1)[self.at]
        start = np.datetime64(stamps[0], "h") if stamps.dtype.kind == "M" else np.datetime64("2000-01-01T00", "h")
        if self.years is not None and len(set(self.years)) > 1:
            self._drop("investment periods", [str(x) for x in self.n.investment_periods], "laid end to end")
        time = start + np.arange(times.sum()) * np.timedelta64(1, "h")

        for rows in (self.units, self.blocks, self.links, self.stores):
            _rename_twins(rows)

        def column(rows: list[tuple[Any, ...]], i: int, kind: type = float) -> Any:
            return (
                tuple(r[i] for r in rows)
                if kind is str
                else np.array([r[i] for r in rows], np.float64 if kind is float else np.int64)
            )

        kinds = (str, str, str, int, float, float, int, int, int, float, float, float, float, float)
        units = Units(*(column(self.units, i, k) for i, k in enumerate(kinds)))
        load = np.stack([b[3] for b in self.blocks], axis=1) if self.blocks else np.zeros((self.T, 0))
        demand = Demand(
            column(self.blocks, 0, str),
            column(self.blocks, 1, str),
            column(self.blocks, 2, int),
            np.repeat(load, times, axis=0),
            column(self.blocks, 4),
        )
        ends = (column(self.links, i, k) for i, k in enumerate((str, int, int, float, float, float, int)))
        links = Links(*ends, mttf_h=np.full(len(self.links), np.inf), mttr_h=np.zeros(len(self.links)))  # type: ignore[misc]
        storage = Storage(
            *(column(self.stores, i, k) for i, k in enumerate((str, int, float, float, float, float, float, float)))
        )
        reservoirs = NO_RESERVOIRS
        if self.reservoirs:
            P = max(e.size for e in self.reservoirs.values())
            table = np.zeros((len(self.reservoirs), P))
            for h, e in enumerate(self.reservoirs.values()):
                table[h, : e.size] = e
            reservoirs = Reservoirs(tuple(self.reservoirs), table)
        return System(
            self.zones,
            time,
            np.repeat(self.period, times),
            np.repeat(np.stack(self.rows), times, axis=1),
            units,
            demand,
            links,
            storage,
            reservoirs,
        ), self.dropped


def _rename_twins(rows: list[Any]) -> None:
    """Give things of one name different ones: a line and a transformer may both be called 10 in PyPSA."""
    taken: set[str] = set()
    for at, row in enumerate(rows):
        name, number = row[0], 1
        while name in taken:
            number += 1
            name = f"{row[0]} ({number})"
        taken.add(name)
        rows[at] = (name, *row[1:])

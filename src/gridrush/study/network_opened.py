"""A network with what its file says of places and carriers, which the model itself has no use for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from gridrush.case.system import System
from gridrush.errors import Problem
from gridrush.grid._pypsa_open import Zoning, open_network, zones_of
from gridrush.grid.dispatch import Engine
from gridrush.study.networks import PRAS, Network, load_case, named, quicker_engine


@dataclass(frozen=True, eq=False)
class OpenedNetwork:
    """A network, where its zones lie, and how its carriers are called and drawn."""

    network: Network
    places: dict[str, tuple[float, float]]  # x and y of each zone; empty when the file tells no two apart
    titles: dict[str, str]  # of carriers that have a name for people
    colours: dict[str, str]  # of carriers that have one, as #rrggbb
    engine: Engine

    @property
    def digest(self) -> str:
        """Hash of the numbers of the network."""
        made = hashlib.blake2b(digest_size=16)
        parts = [self.network, *(getattr(self.network, f.name) for f in fields(System))]
        for part in parts:
            for name in getattr(part, "__dataclass_fields__", {}):
                value = getattr(part, name)
                if isinstance(value, np.ndarray):
                    made.update(np.ascontiguousarray(value).tobytes())
                elif isinstance(value, tuple):
                    made.update(repr(value).encode())
        return made.hexdigest()


def open_with_places(where: str | Path, *, zones: Zoning = None, period: int | None = None) -> OpenedNetwork:
    """A network in a file, read once.

    Parameters
    ----------
    where, zones, period
        As `gridrush.load_case` takes them.

    Raises
    ------
    CaseError
        With everything that is wrong in the file.
    """
    path = Path(where)
    if path.suffix.lower() == PRAS:
        network = load_case(path, zones=zones, period=period)
        assert isinstance(network, Network)
        return OpenedNetwork(network, {}, {}, {}, quicker_engine(network))
    from gridrush.grid.pypsa import from_pypsa

    problems: list[Problem] = []
    n = open_network(path, problems)
    system, dropped = from_pypsa(n, zones=zones, period=period, found=problems)
    network = named(system, path, dropped, zones)
    buses = [str(b) for b in n.buses.index]
    zone_of = zones_of(n, buses, zones, [])
    spots: dict[str, list[tuple[float, float]]] = {z: [] for z in network.zones}
    for bus, x, y in zip(buses, n.buses["x"].astype(float), n.buses["y"].astype(float), strict=True):
        if zone_of[bus] in spots and np.isfinite([x, y]).all():
            spots[zone_of[bus]].append((x, y))
    places = {z: (float(np.mean([p[0] for p in at])), float(np.mean([p[1] for p in at]))) for z, at in spots.items()
              if at}  # fmt: skip
    if len(places) < len(network.zones) or len(set(places.values())) < len(places):
        places = {}
    table = n.carriers
    names = [str(c) for c in table.index]
    titles = {c: str(t) for c, t in zip(names, table.get("nice_name", names), strict=True)
              if isinstance(t, str) and t and t != c}  # fmt: skip
    colours = {c: str(t).lower() for c, t in zip(names, table.get("color", names), strict=True)
               if isinstance(t, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", t)}  # fmt: skip
    return OpenedNetwork(network, places, titles, colours, quicker_engine(network))

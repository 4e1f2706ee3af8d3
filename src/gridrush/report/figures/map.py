"""Map of zones, plants and lines in the hour that hurt most."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from gridrush.report.figures.figure import WIDE, Figure
from gridrush.report.svg import Svg, points, text_width
from gridrush.report.view import View
from gridrush.report.words import DASH, MONTHS, fuel_colour, fuel_name, joined, number, with_unit

Ring = list[tuple[float, float]]


class Albers:
    """Equal-area conic projection fitted to a box on the page (Snyder 1987, USGS Prof. Paper 1395, ch. 14)."""

    def __init__(self, lon: Sequence[float], lat: Sequence[float], width: float, height: float, margin: float) -> None:
        south, north = min(lat), max(lat)
        rad = math.radians
        self._lon0 = rad((min(lon) + max(lon)) / 2)
        one, two = rad(south + (north - south) / 6), rad(north - (north - south) / 6)
        self._n = (math.sin(one) + math.sin(two)) / 2 or 1e-6
        self._c = math.cos(one) ** 2 + 2 * self._n * math.sin(one)
        raw = [self._raw(a, b) for a, b in zip(lon, lat, strict=True)]
        x0, x1 = min(p[0] for p in raw), max(p[0] for p in raw)
        y0, y1 = min(p[1] for p in raw), max(p[1] for p in raw)
        self._scale = min((width - 2 * margin) / ((x1 - x0) or 1), (height - 2 * margin) / ((y1 - y0) or 1))
        self._dx = width / 2 - self._scale * (x0 + x1) / 2
        self._dy = height / 2 + self._scale * (y0 + y1) / 2

    def _raw(self, lon: float, lat: float) -> tuple[float, float]:
        rho = math.sqrt(max(self._c - 2 * self._n * math.sin(math.radians(lat)), 0.0)) / self._n
        theta = self._n * (math.radians(lon) - self._lon0)
        return rho * math.sin(theta), -rho * math.cos(theta)

    def __call__(self, lon: float, lat: float) -> tuple[float, float]:
        """Pixel of a place."""
        x, y = self._raw(lon, lat)
        return self._dx + self._scale * x, self._dy - self._scale * y


def plants(view: View) -> pd.DataFrame:
    """Plants at work in the focus year: name, zone, fuel, MW, place."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for u in view.study.case.units:
        if not u.active_in(view.focus):
            continue
        fuel = view.fuel_of.get(u.technology, u.technology)
        row = rows.setdefault(
            (u.plant, fuel), {"plant": u.plant, "zone": u.zone, "fuel": fuel, "MW": 0.0, "lat": u.lat, "lon": u.lon}
        )
        row["MW"] += u.capacity_mw
    return pd.DataFrame(list(rows.values()), columns=["plant", "zone", "fuel", "MW", "lat", "lon"]).sort_values(
        "MW", ascending=False
    )


def outlines(name: str) -> list[tuple[str, list[Ring]]]:
    """Rings of each region of a built-in case with its zone; empty when the case has no outline."""
    try:
        text = resources.files("gridrush.case").joinpath("cases", name, "regions.geojson").read_text("utf-8")
    except (FileNotFoundError, ModuleNotFoundError, NotADirectoryError):
        return []
    out = []
    for feature in json.loads(text).get("features", []):
        rings = [[(float(p[0]), float(p[1])) for p in ring] for ring in _rings(feature.get("geometry") or {})]
        out.append((str((feature.get("properties") or {}).get("zone", "")), rings))
    return out


def _rings(geometry: Mapping[str, Any]) -> Iterator[list[list[float]]]:
    kind, body = geometry.get("type"), geometry.get("coordinates", [])
    if kind == "Polygon":
        yield from body
    elif kind == "MultiPolygon":
        for part in body:
            yield from part


def country(view: View) -> Figure | None:
    """Zones, plants by fuel and size, and flows in the season's fullest evening hour."""
    case, fleet = view.study.case, plants(view)
    placed = fleet.dropna(subset=["lat", "lon"])
    regions = outlines(case.name)
    hour = view.fullest_hour
    lon = [p[0] for _, rings in regions for ring in rings for p in ring] + [
        *placed["lon"],
        *(z.lon for z in case.zones),
    ]
    lat = [p[1] for _, rings in regions for ring in rings for p in ring] + [
        *placed["lat"],
        *(z.lat for z in case.zones),
    ]
    flows = _flows(view, hour)
    when = view.local[hour] if hour is not None else None
    moment = f"{when.day} {MONTHS[when.month - 1]} {when.year}, {when.hour:02d}:00" if when is not None else ""
    title = "Where the plants are, and where the power had to go"
    caption = "Circles are plants, their area the installed MW, their colour the fuel."
    if flows:
        top = max(flows, key=lambda r: r["used"])
        name, used = f"{top['from']}{DASH}{top['to']}", with_unit(top["used"], "share", 2)
        title = f"On its fullest evening of {view.season} the {name} line carried {used} of what it may"
        caption += f" Arrows: flow in that hour of the model’s sampled path ({moment} local time)."
    if (missing := len(fleet) - len(placed)) > 0:
        caption += f" {missing} plants without a known place are left out."
    if not regions:
        caption += " Zones are drawn as schematic shapes around their plants, not as borders."

    def draw(width: int) -> str:
        wide = width >= WIDE
        height = 450 if wide else 290
        svg = Svg(width, height, f"Map. {title}")
        to = Albers(lon, lat, width, height, 34 if wide else 20)
        tones = {z: f"var(--zone{i % 4})" for i, z in enumerate(case.zone_names)}
        for name, rings in regions:
            path = "".join(
                f"M{points(*zip(*(to(*p) for p in ring), strict=True)).replace(' ', 'L')}Z" for ring in rings
            )
            svg.add(f'<path d="{path}" class="land" style="fill:{tones.get(name, "var(--zone0)")}"/>')
        if not regions:
            for zone in case.zones:
                own = placed[placed["zone"] == zone.name]
                hull = _hull([to(a, b) for a, b in zip(own["lon"], own["lat"], strict=True)] + [to(zone.lon, zone.lat)])
                path = "M" + points(*zip(*hull, strict=True)).replace(" ", "L") + "Z"
                svg.add(f'<path d="{path}" class="blob" style="fill:{tones[zone.name]};stroke:{tones[zone.name]}"/>')
        scale = (23.0 if wide else 13.0) / math.sqrt(max(float(placed["MW"].max()), 1.0) if len(placed) else 1.0)
        for row in placed.itertuples():
            x, y = to(float(str(row.lon)), float(str(row.lat)))
            tip = f"{row.plant}: {with_unit(float(str(row.MW)), 'MW')}, {fuel_name(str(row.fuel)).lower()}"
            svg.circle(
                x,
                y,
                max(scale * math.sqrt(float(str(row.MW))), 1.6),
                f"fill:{fuel_colour(str(row.fuel))}",
                "plant",
                tip,
            )
        centre = {z.name: to(z.lon, z.lat) for z in case.zones}
        for flow in flows:
            _arrow(svg, centre[flow["from"]], centre[flow["to"]], flow, wide)
        _ties(svg, view, hour, centre, wide)
        for zone in case.zones:
            x, y = centre[zone.name]
            text = zone.title if wide else zone.name
            svg.text(
                min(max(x, text_width(text, 14) / 2 + 4), width - text_width(text, 14) / 2 - 4),
                y + 5,
                text,
                "zone halo",
                "middle",
            )
        return str(svg)

    fuels = [f for f in view.fuels if f in set(placed["fuel"])]
    table = fleet.reset_index(drop=True)
    return Figure(
        "map", title, caption, "Plants and lines from the case’s tables; flows from the "
        "model.", "reported", draw, table,
        legend=[(fuel_colour(f), "dot", fuel_name(f)) for f in fuels],
        notes=[f"{r['from']} to {r['to']}: {with_unit(r['mw'], 'MW')} of "
        f"{with_unit(r['limit'], 'MW', 4)}" for r in flows],
        tables=("units", "links", "ties"),
    )  # fmt: skip


def _flows(view: View, hour: int | None) -> list[dict[str, Any]]:
    ds = view.main.hourly
    if hour is None or "flow_mw" not in ds:
        return []
    out = []
    for i, link in enumerate(str(k) for k in ds["link"].values):
        ends, limits = view.ends(link), view.limit_mw(link, view.local[hour].to_pydatetime())
        mw = float(ds["flow_mw"].isel(time=hour, link=i))
        if ends is None or limits is None or not any(limits):
            continue
        limit = limits[0] if mw >= 0 else limits[1]
        a, b = ends if mw >= 0 else ends[::-1]
        out.append({"from": a, "to": b, "mw": abs(mw), "limit": limit, "used": abs(mw) / limit if limit else 0.0})
    return out


def _arrow(svg: Svg, a: tuple[float, float], b: tuple[float, float], flow: Mapping[str, Any], wide: bool) -> None:
    (x1, y1), (x2, y2) = a, b
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    x1, y1, x2, y2 = x1 + 16 * ux, y1 + 16 * uy, x2 - 20 * ux, y2 - 20 * uy
    thick = 3 + 6 * min(flow["used"], 1.0)
    tone = "var(--alarm)" if flow["used"] >= 0.9 else "var(--flow)"
    tip = f"{flow['from']} to {flow['to']}: {with_unit(flow['mw'], 'MW')} of {with_unit(flow['limit'], 'MW', 4)}"
    mx, my = (x1 + x2) / 2 + 0.12 * (y1 - y2), (y1 + y2) / 2 + 0.12 * (x2 - x1)
    hx, hy = x2 - mx, y2 - my
    h = math.hypot(hx, hy) or 1.0
    hx, hy = hx / h, hy / h
    size = thick * 1.5
    bx, by = x2 - size * hx, y2 - size * hy
    for stroke in (f"stroke:var(--paper);stroke-width:{thick + 3:.1f}", f"stroke:{tone};stroke-width:{thick:.1f}"):
        svg.add(
            f'<path d="M{x1:.1f},{y1:.1f}Q{mx:.1f},{my:.1f} {bx:.1f},{by:.1f}" class="series"'
            f' style="{stroke}" data-tip="{tip}"/>'
        )
    corner = f"{x2:.1f},{y2:.1f} {bx - size * hy:.1f},{by + size * hx:.1f} {bx + size * hy:.1f},{by - size * hx:.1f}"
    svg.add(f'<polygon points="{corner}" style="fill:{tone}"/>')
    tx, ty = (x1 + 2 * mx + x2) / 4, (y1 + 2 * my + y2) / 4
    label = f"{number(flow['mw'])} MW, {with_unit(flow['used'], 'share', 2)} of limit"
    side = 1 if tx < svg.width / 2 else -1
    if not wide:
        label = with_unit(flow["used"], "share", 2)
    svg.text(tx + 12 * side, ty + 4, label, "strong halo", "start" if side > 0 else "end")


def _ties(svg: Svg, view: View, hour: int | None, centre: Mapping[str, tuple[float, float]], wide: bool) -> None:
    """A stub from each zone outward with what it buys from its neighbours in that hour."""
    ds, case = view.main.hourly, view.study.case
    partners: dict[str, list[str]] = defaultdict(list)
    for tie in case.ties:
        for name in tie.partner.split(" and "):
            if tie.active_in(view.focus) and name not in partners[tie.zone]:
                partners[tie.zone].append(name)
    if hour is None or "import_mw" not in ds or not partners:
        return
    mid = np.mean(list(centre.values()), axis=0)
    for zone, names in partners.items():
        if zone not in centre:
            continue
        mw = float(ds["import_mw"].isel(time=hour).sel(zone=zone)) - float(
            ds["export_mw"].isel(time=hour).sel(zone=zone)
        )
        x, y = centre[zone]
        up = y < mid[1]
        edge = 14.0 if up else svg.height - 8.0
        word = "from" if mw >= 0 else "to"
        label = f"{with_unit(abs(mw), 'MW')} {word} {joined(names)}"
        if not wide and len(label) > 22:
            label = f"{with_unit(abs(mw), 'MW')} {word} abroad"
        half = text_width(label, 12) / 2
        at = min(max(x, half + 4), svg.width - half - 4)
        svg.text(at, edge, label, "muted halo", "middle")


def _hull(at: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Convex hull, monotone chain."""
    pts = sorted(set(at))
    if len(pts) < 3:
        return list(pts)

    def half(run: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        out: list[tuple[float, float]] = []
        for p in run:
            while len(out) > 1 and (out[-1][0] - out[-2][0]) * (p[1] - out[-2][1]) <= (out[-1][1] - out[-2][1]) * (
                p[0] - out[-2][0]
            ):
                out.pop()
            out.append(p)
        return out[:-1]

    return half(pts) + half(pts[::-1])

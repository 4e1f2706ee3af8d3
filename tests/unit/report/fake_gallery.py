"""Close-ups, a plan and a study's doubts for the made-up country, in the shapes that `study.gallery` documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

ZONES = ["North", "South", "West"]


def make_gallery() -> dict[str, pd.DataFrame]:
    """A table of every name."""
    rng = np.random.default_rng(3)
    months, hours = np.meshgrid(np.arange(1, 13), np.arange(24), indexing="ij")
    risk = 0.01 * np.exp(-((hours - 19) ** 2) / 8) * np.isin(months, (11, 12, 1))
    heat = [
        pd.DataFrame({
            "year": year, "zone": zone, "month": months.ravel(), "hour": hours.ravel(),
            "lole_h": part * risk.ravel(), "lole_stderr_h": 0.1 * part * risk.ravel(),
            "eue_mwh": 200 * part * risk.ravel(), "eue_stderr_mwh": 30 * part * risk.ravel(),
        })
        for year in (2021, 2025) for zone, part in (("North", 0.1), ("South", 0.85), ("West", 0.05), ("system", 1.0))
    ]  # fmt: skip
    t = np.arange(168)
    weeks = []
    for rank in range(1, 11):
        wanted = 14_000 + 1_500 * np.cos(2 * np.pi * (t - 19) / 24) - 100 * rank
        short = np.clip(wanted - 15_200 + 60 * rng.standard_normal(168), 0, None) * (t > 48) * (t < 100)
        weeks.append(pd.DataFrame({
            "rank": rank, "sample": 7 * rank,
            "time": pd.date_range("2021-01-04", periods=168, freq="h").strftime("%Y-%m-%dT%H"), "wanted_mw": wanted,
            "without_miners_mw": wanted - 900, "short_North_mw": 0.0, "short_South_mw": short, "short_West_mw": 0.0,
            "short_mw": short,
        }))  # fmt: skip
    shares = [0.0005, 0.0025, 0.01, 0.05, 0.2]
    room = [
        {"year": year, "zone": z, "cut_share": s, "load_mw": base * (1 + 5 * s)}
        for year in (2021, 2025) for z, base in (("North", 700.0), ("South", 400.0), ("West", 0.0)) for s in shares
    ]  # fmt: skip
    losses = [
        ("islanding of South", "2021-11-03T13", 1600.0, 166.0, 516.0, 682.0, np.nan, np.nan),
        ("loss of Stack 1, Stack 2", "2021-11-03T13", 900.0, 300.0, 0.0, 120.0, 48.93, 400.0),
        ("one circuit of North-South (50% left)", "2021-11-03T13", 500.0, 0.0, 0.0, 0.0, np.nan, np.nan),
        ("loss of Stack 1", "2021-11-03T13", 450.0, 0.0, 0.0, 0.0, 49.7, 0.0),
    ]
    replay = pd.DataFrame({
        "event": "trips <b>", "time": pd.date_range("2021-10-13", periods=72, freq="h").strftime("%Y-%m-%dT%H"),
        "out_mw": np.where(np.arange(72) > 30, 1150.0, 0.0), "spare_mw": 900.0,
    })  # fmt: skip
    rush = [
        {"month": f"20{20 + m // 12}-{m % 12 + 1:02d}", "country": c, "forecast": m > 21, "ehs_mean": a * (1 + m / 4),
         "ehs_p05": 0.7 * a * (1 + m / 4), "ehs_p95": 1.5 * a * (1 + m / 4), "mw_mean": 70 * a, "mw_p05": 50 * a,
         "mw_p95": 90 * a}
        for m in range(36) for c, a in (("Examplia", 2.0), ("Farland", 9.0), ("Other", 1.0))
    ]  # fmt: skip
    price = np.arange(0.0, 400.1, 20.0)
    stays = pd.concat([
        pd.DataFrame({"month": m, "hashprice_usd_per_ph_day": h, "price_usd_per_mwh": price,
                      "running_share": np.clip(1.2 - price / (0.9 * h), 0, 1)})
        for m, h in (("2020-11", 137.0), ("2021-11", 350.0), ("2022-11", 60.0))
    ])  # fmt: skip
    evidence = [("2021-10-05 Ministry of Energy: registered_mw 600", 1300.0, 1160.0, -70.0),
                ("2021-11-02 President's office: ratio 2", 1130.0, 1160.0, 70.0),
                ("2021-10-31 Someone: growth_share 0.08", 1150.0, 1160.0, 30.0)]  # fmt: skip
    lessons = [("total_mw", 0.1, 1140.0, 412.0), ("registered_mw", 0.03, 1140.0, 960.0)]
    bands = [
        {"scenario": s, "quantity": q, "item": "system", "year": 2021, "unit": u, "mean": 1.1 * v, "stderr": 0.1 * v,
         "q05": 0.5 * v, "q50": v, "q95": 2.0 * v, "draws": 64}
        for q, u, v0 in (("EUE_mwh", "MWh/yr", 900.0), ("system_cost_present_usd", "USD", 4e10))
        for s, v in (("as-it-was", v0), ("open-door", 1.4 * v0))
    ]  # fmt: skip
    names = ("census_quantile", "hydro_share", "outage_stress")
    sobol = [
        {"quantity": "EUE_mwh", "scenario": "as-it-was", "unknown": n, "first": f, "first_stderr": 0.05,
         "total": f + 0.1, "total_stderr": 0.06}
        for n, f in zip(names, (0.5, 0.2, 0.1), strict=True)
    ]  # fmt: skip
    return {
        "heat": pd.concat(heat, ignore_index=True), "weeks": pd.concat(weeks, ignore_index=True),
        "headroom": pd.DataFrame(room), "replay": replay, "rush": pd.DataFrame(rush), "stays": stays,
        "shocks": pd.DataFrame(losses, columns=["contingency", "time", "lost_mw", "miners_cut_mw", "firm_mw",
                                                "firm_alone_mw", "nadir_hz", "relays_mw"]),
        "evidence": pd.DataFrame(evidence, columns=["name", "width_without_mw", "width_with_mw", "shift_mw"]),
        "lessons": pd.DataFrame(lessons, columns=["quantity", "std_share", "width_now_mw", "width_expected_mw"]),
        "bands": pd.DataFrame(bands), "sensitivity": pd.DataFrame(sobol),
    }  # fmt: skip


def make_plan() -> dict[str, Any]:
    """What `gridrush plan --answers` stores, as far as the report reads it."""
    builds = [
        {"candidate": "gas-south", "technology": "gas", "zone": "South", "year": 2027, "built_mw": 1000.0,
         "standing_mw": 1000.0, "service_low": 2026.0, "service_best": 2027.5, "service_high": 2030.0},
        {"candidate": "wind-north", "technology": "wind", "zone": "North", "year": 2030, "built_mw": 800.0,
         "standing_mw": 800.0},
        {"candidate": "miners on call", "technology": "interruptible", "zone": "North", "year": 2027, "built_mw": 300.0,
         "standing_mw": 300.0},
    ]  # fmt: skip
    regret = [
        {"plan": p, "future": f, "cost_usd": 4e10, "best_usd": 4e10 - r, "regret_usd": r, "regret_share": r / 4e10,
         "regret_low_usd": r, "regret_high_usd": r + 3e6, "idle_usd": r}
        for p, f, r in (("stay, served firm", "stay", 2e8), ("stay, served firm", "leave", 9e8),
                        ("stay, on call", "stay", 0.0), ("stay, on call", "leave", 1e8),
                        ("leave", "stay", 5e8), ("leave", "leave", 0.0))
    ]  # fmt: skip
    bill = {"miners_usd": 0.0, "consumers_usd": 6e7, "owners_usd": 0.0, "consumers_usd_per_mwh": 0.55}
    return {
        "years": [2027, 2030, 2035, 2040], "asked": {"lole": 3.0}, "cost_usd": 4.1e10, "gap": 8e-4, "builds": builds,
        "cost_waterfall": [{"line": "variable", "usd": 2.6e10}, {"line": "capex", "usd": 1.2e10},
                           {"line": "fixed", "usd": 4e9}, {"line": "export", "usd": -1e9}],
        "lole_check": [{"mean": 1.4, "stderr": 0.1, "unit": "h/yr"}],
        "nuclear": {"candidate": "nuclear", "unit_mw": 1200.0, "earliest_year": 2036, "needs_consent": True,
                    "capex_usd_per_mw": {"low": 5e6, "best": 6e6, "high": 9e6},
                    "break_even_capex_usd_per_mw": {"low": 3.1e6, "best": 3.3e6, "high": 3.4e6},
                    "break_even_carbon_price_usd_per_t": {"low": 38.0, "best": 41.0, "high": 44.0, "most": 250.0},
                    "dearer_with_one_usd": {"low": 1e9, "best": 1.1e9, "high": 1.2e9},
                    "wait_years": 5.0, "price_of_waiting_usd": -2e8, "money_of": 2036},
        "miners": {"years": [2027, 2040], "mining_mw": {"stay": [600.0, 200.0], "leave": [0.0, 0.0]},
                   "regret": regret, "stranded_usd_per_year": 6e7, "bill": {"no contract": bill}},
    }  # fmt: skip

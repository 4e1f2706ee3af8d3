"""What spending water by rule costs: the simulation's months beside the exact water values, same hours and outages.

    python benchmarks/water.py [SCENARIO] [YEAR]

Prints, for each month: running cost by rule over the exact optimum, energy cut in both, and the seconds each took.
"""

from __future__ import annotations

import sys
import time

import gridrush as gr
from gridrush.grid.dispatch import dispatch
from gridrush.study.simulate import simulate


def main(scenario: str = "as-it-was", year: int = 2021) -> None:
    """Compare one year of one scenario, month by month."""
    months = {}
    simulate(gr.load_case("kazakhstan"), scenario, years=[year], samples=1,
             on_year=lambda y, m: months.update({y: m}))  # fmt: skip
    print(f"{'month':>5} {'cost by rule / exact':>21} {'cut GWh rule':>13} {'exact':>7} {'s rule':>7} {'s exact':>8}")
    total = [0.0, 0.0, 0.0, 0.0]
    for i, m in enumerate(months[year]):
        began = time.process_time()
        rule = dispatch(m.system, up=m.up)
        middle = time.process_time()
        exact = dispatch(m.met.system, up=m.up)
        ended = time.process_time()
        cut = [d.unserved_mw(("firm", "interruptible")).sum() / 1e3 for d in (rule, exact)]
        total = [a + b for a, b in zip(total, (rule.cost_usd, exact.cost_usd, *cut), strict=True)]
        print(f"{i + 1:>5} {rule.cost_usd / exact.cost_usd:>21.5f} {cut[0]:>13.2f} {cut[1]:>7.2f} "
              f"{middle - began:>7.3f} {ended - middle:>8.3f}")  # fmt: skip
    print(f"{'year':>5} {total[0] / total[1]:>21.5f} {total[2]:>13.2f} {total[3]:>7.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:2], *(int(y) for y in sys.argv[2:3]))

"""How fast the mining room is, against its limits: run as `python benchmarks/mining.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from gridrush.case.load import load_case
from gridrush.mining._kernels import _run
from gridrush.mining.calibrate import fit_rush
from gridrush.mining.census import census
from gridrush.mining.evidence import value_of_measurement
from gridrush.mining.fleet import world_fleet
from gridrush.mining.forecast import world_forecast, world_path
from gridrush.mining.migration import DEFAULT, MonthDrivers, RushModel
from gridrush.mining.rush import rush


def cpu_s(call: Callable[[], object], *, n: int = 5) -> float:
    """Median processor seconds of a call, after one that warms it."""
    call()
    times = []
    for _ in range(n):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return median(times)


def kernel_22_years_12_countries() -> Callable[[], object]:
    """264 months of 12 places in the kernel."""
    T, N = 264, 12
    rng = np.random.default_rng(1)
    zero, free, none = np.zeros((T, N)), np.full((T, N), np.inf), np.full(N, -1)
    world = 100.0 * 1.02 ** np.arange(T)
    price = rng.uniform(20.0, 60.0, (T, N))
    args = (np.full(N, 8.0), 0.0, np.arange(N), world, np.full(T, 90.0), price, zero, zero, zero, none, 0.0, none,
            np.zeros(T), free, free, np.zeros((T, N)), np.zeros(N), np.ones(N), DEFAULT.vector())  # fmt: skip
    return lambda: _run(*args)


def steps_from_python(case: object) -> Callable[[], object]:
    """264 single steps of three zones and two statuses beside nine countries, as the coupled run calls them."""
    model = RushModel.of(case)  # type: ignore[arg-type]
    start = model.start(np.array([350.0, 200.0, 50.0]), np.array([250.0, 420.0, 30.0]), fleet_j_per_th=59.0)

    def run() -> object:
        stepper, state = model.stepper(), start
        for i in range(264):
            month = np.datetime64("2021-12", "M") + i
            state = stepper.step(state, MonthDrivers(month, 180.0, 200.0, 55.0, np.full((3, 2), 43.5), np.zeros((3, 2)),
                                                     np.full(3, 500.0), np.full(3, np.inf)))  # fmt: skip
        return state

    return run


def main() -> None:
    """Print a table of times."""
    case = load_case("kazakhstan")
    found = census(case)
    rows = [
        ("census of all months, 2,000 draws", cpu_s(lambda: census(case)), 2.0),
        ("rush kernel, 264 months x 12 places", cpu_s(kernel_22_years_12_countries()), 0.020),
        ("264 rush steps from Python", cpu_s(steps_from_python(case)), 264 * 0.0002),
        ("rush by country to 2023-12, 400 samples", cpu_s(lambda: rush(case)), None),
        ("value of five measurements", cpu_s(lambda: value_of_measurement(found)), None),
        ("fit of the rush on half the map", cpu_s(lambda: fit_rush(case), n=3), None),
        ("world fleet by the v1.4 rule, 96 months", cpu_s(lambda: world_fleet(case)), None),
        ("world path to 2040", cpu_s(lambda: world_path(case)), None),
        ("world forecast to 2040, 500 samples", cpu_s(lambda: world_forecast(case)), None),
    ]
    for name, seconds, limit in rows:
        print(f"{name:45s} {1e3 * seconds:9.2f} ms" + (f"   limit {1e3 * limit:.0f} ms" if limit else ""))


if __name__ == "__main__":
    main()

"""The hours of single events: what a sample year of the Monte Carlo looked like while load was not met."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gridrush.adequacy.batch import CELLS
from gridrush.adequacy.hazards import NO_HAZARDS, Hazards
from gridrush.adequacy.metrics import Event
from gridrush.adequacy.plan import make_plan
from gridrush.adequacy.simulate import batches, seed_word
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats



def event_hours(
    system: System, events: Sequence[Event], *, seed: int, firsts: Sequence[int], hours: int,
    hazards: Hazards = NO_HAZARDS,
) -> Floats:  # fmt: skip
    """Load not met hour by hour around events that `assess` found, by drawing their sample years again. (E, Z + 1, h)

    The sample is simulated as before; only the table its hours are summed into is another one.

    Parameters
    ----------
    system : System
        The one system assessed, by plain sampling.
    events : sequence of Event, length E
        Such as `Assessment.worst`.
    seed : int
        Of the assessment.
    firsts : sequence of int, length E
        First hour shown for each event.
    hours : int
        Hours shown, at most 287.

    Returns
    -------
    ndarray, shape (E, Z + 1, hours)
        By zone, the system last. [MW]
    """
    problems = [Problem("hours", hours, f"1 to {CELLS - 1}")] if not 1 <= hours < CELLS else []
    if len(firsts) != len(events):
        problems.append(Problem("firsts", len(firsts), f"one hour for each of {len(events)} events"))
    if problems:
        raise CaseError(problems)
    plan = make_plan([system], hazards=hazards, utc_offset_h=0)
    Z, T = plan.shape[0], system.time.size
    out = np.zeros((len(events), Z + 1, hours))
    for e, (event, first) in enumerate(zip(events, firsts, strict=True)):
        cell = np.full(T, CELLS - 1)
        shown = np.arange(max(first, 0), min(first + hours, T))
        cell[shown] = shown - first
        clock = np.column_stack([plan.kernel.clock[:, 0], cell])
        kernel = plan.kernel._replace(clock=clock)
        for batch, _ in batches(kernel, None, seed_word(seed), event.sample, 1, 1):
            heat = batch[3].reshape(Z + 1, CELLS, -1)
            out[e] = heat[:, :hours, 2]
    return out

# mypy: disable-error-code="no-untyped-def"
"""One-bus swing model with a governor and under-frequency relays."""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel


@kernel
def swing(lost, f0, energy, load, damping, headroom, droop, lag, steps, dt, f, g, shed):
    """Heun's rule on the swing equation with one governor; steps (S, 3) are relays; fills f, g, shed (n,)."""
    below = np.zeros(steps.shape[0])
    f[0], g[0], shed[0] = f0, 0.0, 0.0
    for i in range(1, f.size):
        x, y, cut = f[i - 1], g[i - 1], shed[i - 1]
        for k in range(steps.shape[0]):
            if below[k] >= 0.0:
                below[k] = below[k] + dt if x < steps[k, 0] else 0.0
                if below[k] > steps[k, 1]:
                    cut += steps[k, 2] * load
                    below[k] = -1.0
        rate = f0 / (2.0 * energy)
        a1 = rate * (y + cut - lost - damping * (load - cut) * (x - f0))
        b1 = (max(0.0, min(droop * (f0 - x), headroom)) - y) / lag
        x2, y2 = x + dt * a1, y + dt * b1
        a2 = rate * (y2 + cut - lost - damping * (load - cut) * (x2 - f0))
        b2 = (max(0.0, min(droop * (f0 - x2), headroom)) - y2) / lag
        f[i], g[i], shed[i] = x + 0.5 * dt * (a1 + a2), y + 0.5 * dt * (b1 + b2), cut

"""Loops of the weather generator."""

import numpy as np

from gridrush._jit import kernel


@kernel
def memory_walk(noise, memory):  # (T,) -> (T,)
    out = np.empty_like(noise)
    step = np.sqrt(1.0 - memory * memory)
    z = noise[0]
    for t in range(noise.size):
        if t:
            z = memory * z + step * noise[t]
        out[t] = z
    return out


@kernel
def capacity_factor(noise, cell, quantile, memory, mixing):
    # noise: (T, R + 1), cell: (T,), quantile: (R, 288, nodes) -> (R, T)
    T, R = noise.shape[0], quantile.shape[0]
    nodes = quantile.shape[2]
    out = np.empty((R, T))
    z = np.zeros(R)
    top = 3.2
    per_z = (nodes - 1) / (2.0 * top)
    for t in range(T):
        for r in range(R):
            e = 0.0
            for k in range(r + 1):
                e += mixing[r, k] * noise[t, k]
            z[r] = e if t == 0 else memory[r] * z[r] + np.sqrt(1.0 - memory[r] * memory[r]) * e
            x = (min(max(z[r], -top), top) + top) * per_z
            i = min(int(x), nodes - 2)
            w = x - i
            out[r, t] = quantile[r, cell[t], i] * (1.0 - w) + quantile[r, cell[t], i + 1] * w
    return out

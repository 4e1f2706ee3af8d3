"""Loop of the outage history."""

import numpy as np

from gridrush._jit import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


@kernel
def _uniform(key, sample, count):  # SplitMix64 (Steele et al. 2014) over the name of the draw -> (0, 1)
    z = key + _GOLDEN * (np.uint64(sample) * np.uint64(1 << 32) + np.uint64(count) + np.uint64(1))
    z = (z ^ (z >> np.uint64(30))) * _M1
    z = (z ^ (z >> np.uint64(27))) * _M2
    z = z ^ (z >> np.uint64(31))
    return (np.float64(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@kernel
def advance(rows, key, mttf, mttr, hours, block, weight, dated_row, dated, hazard, repair, count, up):
    """Fill up (B, S * hours) with what the units of each block leave of it, by weight; moves hazard, repair, count
    (S, N).

    rows, mttf, mttr, block, weight, dated_row: (G,); dated (D, hours) is the share left by outages of known date.
    """
    for b in range(up.shape[0]):
        for k in range(up.shape[1]):
            up[b, k] = 1.0
    lost = np.zeros(hours)
    for s in range(hazard.shape[0]):
        base = s * hours
        for g in range(rows.size):
            n, d, w, b = rows[g], dated_row[g], weight[g], block[g]
            low, high = hours, 0  # hours in which something is lost
            if np.isfinite(mttf[g]):
                h, r, c = hazard[s, n], repair[s, n], count[s, n]
                if h < 0.0:  # first hour: in repair with the long-run share
                    if _uniform(key[n], s, c) < mttr[g] / (mttf[g] + mttr[g]):
                        r = -np.log(_uniform(key[n], s, c + 1)) * mttr[g]
                    h = -np.log(_uniform(key[n], s, c + 2))
                    c += 3
                t = 0.0
                while True:
                    if r <= 0.0:  # working
                        life = h * mttf[g]
                        if t + life >= hours:
                            h -= (hours - t) / mttf[g]
                            break
                        t += life
                        r = -np.log(_uniform(key[n], s, c)) * mttr[g]
                        h = -np.log(_uniform(key[n], s, c + 1))
                        c += 2
                    end = min(t + r, float(hours))
                    first, last = int(t), int(np.ceil(end))
                    if last > first:
                        lost[first] += min(end, first + 1.0) - t
                    if last > first + 1:
                        for k in range(np.uint64(first + 1), np.uint64(last - 1)):
                            lost[k] = 1.0
                        lost[last - 1] += end - (last - 1.0)
                    low, high = min(low, first), max(high, last)
                    r -= end - t
                    t = end
                    if t >= hours:
                        break
                    r = 0.0
                hazard[s, n], repair[s, n], count[s, n] = h, r, c
            if d >= 0:
                low, high = 0, hours
                for k in range(hours):
                    lost[k] = 1.0 - (1.0 - min(lost[k], 1.0)) * dated[d, k]
            at = np.uint64(base)
            for k in range(np.uint64(low), np.uint64(max(high, low))):
                up[b, at + k] = max(up[b, at + k] - w * min(lost[k], 1.0), 0.0)
                lost[k] = 0.0

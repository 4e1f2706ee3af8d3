"""Compiled: sums of many series into few, and the rows of a month."""

import numpy as np

from gridrush._jit import kernel, sum_kernel


@kernel
def room(
    generation, zone, capacity, row, profiles, up, unserved, interrupted, flow, source, target, forward, backward,
    unused, reach,
):  # fmt: skip
    """Fill unused and reach (Z, T), see `hours.room_mw`.

    generation, up: (G, T); zone, capacity, row: (G,), those with no capacity are left out; profiles: (K, T); unserved,
    interrupted: (Z, T); flow: (L, T); source to backward: (L,).
    """
    Z, hours = unused.shape
    for z in range(Z):
        for t in range(hours):
            unused[z, t] = 0.0
    for g in range(zone.size):
        z, c, k = zone[g], capacity[g], row[g]
        if c != 0.0:
            for t in range(hours):
                unused[z, t] += c * profiles[k, t] * up[g, t] - generation[g, t]
    for z in range(Z):
        for t in range(hours):
            reach[z, t] = unused[z, t] - unserved[z, t] - interrupted[z, t]
    for i in range(source.size):
        a, b, there, back = source[i], target[i], forward[i], backward[i]
        for t in range(hours):
            reach[b, t] += min(unused[a, t], there - flow[i, t])
            reach[a, t] += min(unused[b, t], back + flow[i, t])


@kernel
def not_served(load, served, registered, gone, interrupted, unserved):
    """Fill what of registered miners' load is interrupted, and what of firm load is not served: (Z, T).

    load: (T, B), served: (B, T): households, industry, registered miners by zone, then others; registered: (Z, T), of
    which the share `gone` is disconnected beforehand.
    """
    Z, hours = registered.shape
    for z in range(Z):
        for t in range(hours):
            short = load[t, 2 * Z + z] - served[2 * Z + z, t]
            interrupted[z, t] = registered[z, t] * gone + short
            unserved[z, t] = (load[t, z] - served[z, t]) + (load[t, Z + z] - served[Z + z, t])


@kernel
def block_loads(consumers, registered, hidden, industry_share, cuttable, gone, out):
    """Loads of households and hidden miners, industry, and registered miners by zone, into out (T, 3 Z).

    consumers, registered, hidden: (Z, T); cuttable, gone: shares of registered load that may be cut, and that is
    disconnected beforehand; what may not be cut counts as industry.
    """
    Z, hours = consumers.shape
    for z in range(Z):
        for t in range(hours):
            out[t, z] = consumers[z, t] * (1.0 - industry_share) + hidden[z, t]
            out[t, Z + z] = consumers[z, t] * industry_share + registered[z, t] * (1.0 - cuttable)
            out[t, 2 * Z + z] = registered[z, t] * (cuttable - gone)


@sum_kernel
def _total(x, r, first, n):
    """Sum of n entries of a row of x (R, T) from `first` on, several additions at a time."""
    total, begin = 0.0, np.uint64(first)
    for t in range(n):
        total += x[r, begin + np.uint64(t)]
    return total


@kernel
def _put(values, z, out, r):
    """Copy a row of values (Z, T) into a row of out (R, T)."""
    for t in range(out.shape[1]):
        out[r, t] = values[z, t]


@kernel
def month_sums(rows, generation, by_unit, evening, out, peaks):
    """Fill the sums of rows (R, S * H), then of generation (G, S * H) weighted by by_unit (G, 3), by sample: out
    (S, R + 3); and the highest load of the national row, of all hours and of those of the evening (H,), into the first
    two of peaks (S, P), the others -inf."""
    S, R, H = out.shape[0], rows.shape[0], evening.size
    for s in range(S):
        for r in range(R):
            out[s, r] = _total(rows, r, s * H, H)
        out[s, R], out[s, R + 1], out[s, R + 2] = 0.0, 0.0, 0.0
        for g in range(generation.shape[0]):
            total = _total(generation, g, s * H, H)
            for k in range(3):
                out[s, R + k] += by_unit[g, k] * total
        for k in range(peaks.shape[1]):
            peaks[s, k] = -np.inf
        for t in range(H):
            mw = rows[R - 3, s * H + t]
            peaks[s, 0] = max(peaks[s, 0], mw)
            if evening[t]:
                peaks[s, 1] = max(peaks[s, 1], mw)


@kernel
def month_rows(
    generation, row, oil_row, oil_share, served, load, zone, firm, sold, value, flow, source, target, loss_share, price,
    spill, charge, discharge, store_zone, consumers, registered, hidden, unserved, interrupted, zones, by_unit, evening,
    out, sums, peaks,
):  # fmt: skip
    """Fill the rows of a month, out (rows, T), see `collect`, and their sums and peaks, see `month_sums`; gives the
    largest |balance| over load of any zone-hour.

    generation: (G, T), of which oil_share (G,) goes to oil_row and the rest to row (G,); served: (B, T), load: (T, B),
    zone to value: (B,); flow: (L, T), source to loss_share: (L,); charge, discharge: (T, J), store_zone: (J,); price,
    spill and the last five: (Z, T).
    """
    hours, Z = out.shape[1], zones
    first = out.shape[0] - 15 * Z - 3  # imports; fuels by zone come before
    wanted, counted, nation = first + 13 * Z, first + 14 * Z, first + 15 * Z
    for r in range(out.shape[0]):
        for t in range(hours):
            out[r, t] = 0.0
    for g in range(generation.shape[0]):
        r, o, part = row[g], oil_row[g], oil_share[g]
        if part == 0.0:
            for t in range(hours):
                out[r, t] += generation[g, t]
        else:
            for t in range(hours):
                out[r, t] += (1.0 - part) * generation[g, t]
                out[o, t] += part * generation[g, t]
    for r in range(first + Z):  # power given in the zone, kept here until the balance is known
        z = counted + r % Z
        for t in range(hours):
            out[z, t] += out[r, t]
    for z in range(Z):
        for t in range(hours):  # short loops: with many rows in one, none of them runs in vectors
            out[first + Z + z, t] = consumers[z, t] + hidden[z, t]
        for t in range(hours):
            out[wanted + z, t] = out[first + Z + z, t] + registered[z, t]
        for t in range(hours):
            out[nation, t] += out[wanted + z, t]
        _put(registered, z, out, first + 2 * Z + z)
        _put(hidden, z, out, first + 3 * Z + z)
        _put(spill, z, out, first + 7 * Z + z)
        _put(unserved, z, out, first + 10 * Z + z)
        _put(interrupted, z, out, first + 11 * Z + z)
        _put(price, z, out, first + 12 * Z + z)
    for b in range(zone.size):
        v = value[b]
        if sold[b]:
            r = first + 4 * Z + zone[b]
            for t in range(hours):
                out[r, t] += served[b, t]
            for t in range(hours):
                out[nation + 2, t] += v * served[b, t]
        elif firm[b]:
            for t in range(hours):
                out[nation + 1, t] += v * (load[t, b] - served[b, t])
    for j in range(store_zone.size):
        r = first + 5 * Z + store_zone[j]
        for t in range(hours):
            out[r, t] += charge[t, j]
            out[r + Z, t] += discharge[t, j]
    for i in range(source.size):
        for end in range(2):
            far, sign = (target[i], 1.0) if end == 0 else (source[i], -1.0)
            share, lost, net = loss_share[i], first + 8 * Z + far, first + 9 * Z + far
            for t in range(hours):  # what arrives at this end
                out[lost, t] += share * max(sign * flow[i, t], 0.0)
            for t in range(hours):
                there, back = max(sign * flow[i, t], 0.0), max(-sign * flow[i, t], 0.0)
                out[net, t] += (1.0 - share) * there - back
    worst = 0.0
    for z in range(Z):
        for t in range(hours):
            left = out[counted + z, t] + out[first + 6 * Z + z, t] + out[first + 9 * Z + z, t]
            left += out[first + 10 * Z + z, t] + out[first + 11 * Z + z, t] - out[wanted + z, t]
            left -= out[first + 4 * Z + z, t] + out[first + 5 * Z + z, t] + out[first + 7 * Z + z, t]
            worst = max(worst, abs(left) / max(out[wanted + z, t], 1.0))
        for t in range(hours):
            out[counted + z, t] = 1.0 if unserved[z, t] > 1e-3 else 0.0
    month_sums(out, generation, by_unit, evening, sums, peaks)
    return worst

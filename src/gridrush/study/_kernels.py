"""Compiled: sums of many series into few, and the rows of a month."""

import numba as nb


@nb.njit(cache=True, nogil=True)
def add_rows(values, row, weight, out):
    """Add a weighted sum of series (N, T) to the rows of out (rows, T); series of weight zero are skipped."""
    n, hours = values.shape
    for i in range(n):
        w, r = weight[i], row[i]
        if w != 0.0:
            for t in range(hours):
                out[r, t] += w * values[i, t]


@nb.njit(cache=True, nogil=True)
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


@nb.njit(cache=True, nogil=True)
def month_rows(
    generation, row, oil_row, oil_share, served, load, zone, firm, sold, value, flow, source, target, loss_share, price,
    spill, charge, discharge, store_zone, consumers, registered, hidden, unserved, interrupted, zones, out,
):  # fmt: skip
    """Fill the rows of a month (rows, T), see `collect`; gives the largest |balance| over load of any zone-hour.

    generation: (G, T), of which oil_share (G,) goes to oil_row and the rest to row (G,); served: (B, T), load: (T, B),
    zone to value: (B,); flow: (L, T), source to loss_share: (L,); charge, discharge: (T, J), store_zone: (J,); price,
    spill and the last five: (Z, T).
    """
    hours, Z = out.shape[1], zones
    first = out.shape[0] - 15 * Z - 3  # imports; fuels by zone come before
    wanted, counted, nation = first + 13 * Z, first + 14 * Z, first + 15 * Z
    out[:] = 0.0
    for g in range(generation.shape[0]):
        r, o, part = row[g], oil_row[g], oil_share[g]
        z = counted + r % Z  # holds the power given in the zone until the balance is known
        if part == 0.0:
            for t in range(hours):
                out[r, t] += generation[g, t]
                out[z, t] += generation[g, t]
        else:
            for t in range(hours):
                out[r, t] += (1.0 - part) * generation[g, t]
                out[o, t] += part * generation[g, t]
                out[z, t] += generation[g, t]
    for z in range(Z):
        for t in range(hours):
            out[first + Z + z, t] = consumers[z, t] + hidden[z, t]
            out[first + 2 * Z + z, t] = registered[z, t]
            out[first + 3 * Z + z, t] = hidden[z, t]
            out[first + 7 * Z + z, t] = spill[z, t]
            out[first + 10 * Z + z, t] = unserved[z, t]
            out[first + 11 * Z + z, t] = interrupted[z, t]
            out[first + 12 * Z + z, t] = price[z, t]
            out[wanted + z, t] = consumers[z, t] + hidden[z, t] + registered[z, t]
            out[nation, t] += out[wanted + z, t]
    for b in range(zone.size):
        if sold[b]:
            for t in range(hours):
                out[first + 4 * Z + zone[b], t] += served[b, t]
                out[nation + 2, t] += value[b] * served[b, t]
        elif firm[b]:
            for t in range(hours):
                out[nation + 1, t] += value[b] * (load[t, b] - served[b, t])
    for j in range(store_zone.size):
        for t in range(hours):
            out[first + 5 * Z + store_zone[j], t] += charge[t, j]
            out[first + 6 * Z + store_zone[j], t] += discharge[t, j]
    for i in range(source.size):
        a, b, share = source[i], target[i], loss_share[i]
        for t in range(hours):
            there, back = max(flow[i, t], 0.0), max(-flow[i, t], 0.0)
            out[first + 8 * Z + b, t] += share * there
            out[first + 8 * Z + a, t] += share * back
            out[first + 9 * Z + b, t] += (1.0 - share) * there - back
            out[first + 9 * Z + a, t] += (1.0 - share) * back - there
    worst = 0.0
    for z in range(Z):
        for t in range(hours):
            left = out[counted + z, t] + out[first + 6 * Z + z, t] + out[first + 9 * Z + z, t]
            left += out[first + 10 * Z + z, t] + out[first + 11 * Z + z, t] - out[wanted + z, t]
            left -= out[first + 4 * Z + z, t] + out[first + 5 * Z + z, t] + out[first + 7 * Z + z, t]
            worst = max(worst, abs(left) / max(out[wanted + z, t], 1.0))
            out[counted + z, t] = 1.0 if unserved[z, t] > 1e-3 else 0.0
    return worst

# mypy: disable-error-code="no-untyped-def,assignment"
"""What everything else offers to one zone of a tree, hour by hour and price by price: what a store is placed against.

Spans of hours differ in what units cost, as water has another value in each period; within one the prices are one list.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel
from gridrush.grid._kernels import HOURS_AT_ONCE, SLACK_MW, curves, evaluate, limits, search
from gridrush.grid._kernels_merit import arrange, price_lists


@kernel
def response(
    profiles, up, link_up, load, inject, unit, block, cap, avail, must, base, start, zone, parent, keep, pair, pair_mw,
    pair_start, copies, of, stop, factor, extra, edges, draw, give, begin, listed, offered, steps,
):
    """What the rest offers to the zone of node 0, about where it stands: places of prices and the surplus at each, in
    spans of hours edges[s] to edges[s + 1] where units cost extra (S, G) more.

    draw, give: power the zone may be short of or have over. Hour t has entries begin[t] to begin[t + 1] of listed and
    offered, from the lowest price at which the surplus is -draw to the lowest at which it is `give`; prices at which
    nothing changes are left out. Fills begin (T + 1,) and the prices of each span, steps (S, M): zero first and rising,
    infinite where there are no more; what is listed are places in steps.ravel(). Gives the number of entries; those
    that the arrays cannot hold are not written.
    """
    N, (S, M), Z, W = unit.size, steps.shape, zone.size, HOURS_AT_ONCE
    order, dear, cost = np.empty(N, np.int64), np.empty(N), np.empty(N)
    arranged = unit.copy(), block.copy(), cap.copy(), avail.copy(), must.copy()
    usd, change_from = np.empty(M - 1 + Z), np.empty(M + Z, np.int64)
    head, most, free = np.empty(Z, np.int64), np.empty(Z, np.int64), np.empty(Z, np.int64)
    changed, item = np.empty(M - 1, np.int64), np.empty(M - 1, np.int64)
    first_row, rows = np.empty(of.size, np.int64), np.empty(of.size * M, np.int64)
    curve, low, width = np.empty((N + Z, W)), np.empty((N, W)), np.empty((N, W))
    profile = np.empty((profiles.shape[0], W))
    out, back, value = np.empty((Z, W)), np.empty((Z, W)), np.empty((of.size, W))
    at, probe, need, own = np.empty(W, np.int64), np.empty(W, np.int64), np.full(W, -draw), np.empty(of.size)
    above, side = np.full(of.size, -1), np.zeros(of.size, np.int64)  # copy it hangs from; 1 sends, 2 receives, 0 both
    for e in range(copies[0], stop[copies[0]]):
        c = e + 1
        while c < stop[e]:
            above[c] = e
            if keep[of[c]] < 1.0:
                side[c] = 1
                c = stop[c]
                above[c], side[c] = e, 2
            c = stop[c]
    e, filled, room = np.uint64(copies[0]), np.uint64(0), np.uint64(listed.size)
    begin[0] = 0
    for s in range(S):
        for i in range(N):
            dear[i] = base[i] + extra[s, unit[i]] if unit[i] >= 0 else base[i]
        arrange((unit, block, cap, avail, must), dear, start, order, arranged, cost)
        price_lists(cost, start, parent, copies, of, stop, factor, usd, head, most, free, change_from, changed, item,
                    first_row, rows)
        for i in range(M):
            steps[s, i] = usd[i] if i <= most[0] else np.inf
        last, ahead = np.uint64(most[0]), np.uint64(s * M)
        for t0 in range(edges[s], edges[s + 1], W):
            when = np.arange(t0, min(t0 + W, edges[s + 1]))
            n = when.size
            curves(when, profiles, up, load, inject, zone, *arranged, start, curve, low, width, profile)
            limits(when, profile, link_up, pair, pair_mw, pair_start, out, back)
            search(copies[0], most[0], n, need, at, probe, of, stop, first_row, rows, keep, out, back, curve, value)
            evaluate(copies[0], n, at, of, stop, first_row, rows, keep, out, back, curve, value)
            for h in range(n):
                for c in range(e, np.uint64(stop[e])):
                    own[c] = value[c, h]
                m, told = np.uint64(at[h]), own[e]
                if filled < room:
                    listed[filled], offered[filled] = ahead + m, told
                filled += np.uint64(1)
                while own[e] < give and m < last:
                    m += np.uint64(1)
                    for x in range(np.uint64(change_from[m]), np.uint64(change_from[m + np.uint64(1)])):
                        c, more = np.uint64(changed[x]), width[np.uint64(item[x]), h]
                        while more > 0.0:  # up the tree, as far as links let it
                            before = own[c]
                            after = before + more
                            own[c] = after
                            if c == e:
                                break
                            k = np.uint64(of[c])
                            if side[c] == 0:
                                more = (min(max(after, -back[k, h]), out[k, h])
                                        - min(max(before, -back[k, h]), out[k, h]))
                            elif side[c] == 1:
                                more = (min(max(after, 0.0), out[k, h]) - min(max(before, 0.0), out[k, h])) * keep[k]
                            else:
                                most_in = back[k, h] * keep[k]
                                more = (min(max(-before, 0.0), most_in) - min(max(-after, 0.0), most_in)) / keep[k]
                            c = np.uint64(above[c])
                    if own[e] > told + SLACK_MW:
                        told = own[e]
                        if filled < room:
                            listed[filled], offered[filled] = ahead + m, told
                        filled += np.uint64(1)
                begin[t0 + h + 1] = filled
    return begin[begin.size - 1]

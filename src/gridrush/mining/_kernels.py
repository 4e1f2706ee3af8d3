"""Loops of the rush: one month of location choice, and many months of it.

Axes: month T, place N (other countries first, then the zones and statuses of the case). Nothing here raises.
"""

import numba as nb
import numpy as np

# Order of the scalars in `par`; `migration.RushParameters` fills it.
(
    BETA, GAMMA, CHURN, BUILD, BUILD_FLOOR, EXIT, EXIT_GAP, EXIT_WIDTH, SHUT, SHUT_MARGIN, SHUT_WIDTH, SEED, FOUND_COST,
    RETURN,
) = range(14)


@nb.njit(cache=True)
def _sigmoid(x):
    if x > 30.0:
        return 1.0
    if x < -30.0:
        return 0.0
    return 1.0 / (1.0 + np.exp(-x))


@nb.njit(cache=True)
def _fill(amount, weight, cap, out):
    """Share `amount` out by weight, nowhere above cap: (N,) into out; gives what found no place."""
    n = weight.size
    left = amount
    out[:] = 0.0
    for _ in range(n + 1):
        total = 0.0
        for i in range(n):
            if out[i] < cap[i]:
                total += weight[i]
        if left <= 1e-12 or total <= 0.0:
            break
        rate = left / total
        capped = False
        for i in range(n):
            if out[i] < cap[i] and weight[i] * rate >= cap[i] - out[i]:
                left -= cap[i] - out[i]
                out[i] = cap[i]
                capped = True
        if not capped:
            for i in range(n):
                if out[i] < cap[i]:
                    out[i] += weight[i] * rate
            left = 0.0
    return left


@nb.njit(cache=True)
def _step(stock, waiting, group, hashrate, value, price, cut, found, leave, hide_to, hide_share, register_to, register_share,
          room, quota, size, alpha, near, base, par, new, inflow, weight, cap, margin):
    """One month. stock (N,) and waiting [EH/s] -> new (N,); gives machines still waiting and hash rate without place.

    group (N,) country of a place; value (N,) USD/MWh a MWh earns there; price (N,) USD/MWh paid, fee in; cut (N,) share
    of hours without power; found (N,) share cut off for good; leave (N,) share driven out by a ban; hide_to (N,) place
    in which banned miners hide, or -1; register_to (N,) place in which a hidden miner may register, or -1; room (N,) and
    quota (N,) EH/s; size (C,) work; alpha (C,) pull of a country; near (C,) its extra pull on displaced machines;
    base (N,) share of a place in its country, for seeding.
    """
    n = stock.size
    world = 0.0
    for i in range(n):
        world += stock[i]
    mean = 0.0
    for i in range(n):
        m = 1.0 - price[i] / value[i]
        if m > 0.0:
            m *= 1.0 - cut[i]
        m -= par[FOUND_COST] * found[i]
        margin[i] = max(-1.0, min(1.0, m))
        mean += margin[i] * stock[i]
    mean = mean / world if world > 0.0 else 0.0
    for i in range(n):
        away = par[CHURN] + par[EXIT] * _sigmoid((mean - margin[i] - par[EXIT_GAP]) / par[EXIT_WIDTH])
        away += par[SHUT] * _sigmoid((par[SHUT_MARGIN] - margin[i]) / par[SHUT_WIDTH])
        new[i] = stock[i] * (1.0 - min(away, 1.0))
        waiting += new[i] * found[i]
        new[i] *= 1.0 - found[i]
    for i in range(n):  # a ban: most leave, some hide
        if leave[i] > 0.0:
            gone = new[i] * leave[i]
            new[i] -= gone
            if hide_to[i] >= 0:
                new[hide_to[i]] += gone * hide_share
                gone *= 1.0 - hide_share
            waiting += gone
    for i in range(n):  # hidden miners register where the quota leaves room
        to = register_to[i]
        if to >= 0 and register_share > 0.0:
            move = min(new[i] * register_share, max(quota[to] - new[to], 0.0))
            new[i] -= move
            new[to] += move
    for i in range(n):
        if new[i] > quota[i]:
            new[i] = quota[i]
    kept = 0.0
    for i in range(n):
        kept += new[i]
    short = hashrate - kept
    if short <= 0.0:
        if kept > 0.0:
            for i in range(n):
                new[i] *= hashrate / kept
        return waiting, 0.0
    size[:] = 0.0
    for i in range(n):
        size[group[i]] += stock[i]
    for i in range(n):
        g = group[i]
        here = (stock[i] + par[SEED] * base[i] * size[g]) / ((1.0 + par[SEED]) * size[g]) if size[g] > 0.0 else base[i]
        pull = max(size[g], 1e-3) ** par[GAMMA]
        weight[i] = np.exp(alpha[g] + par[BETA] * margin[i]) * pull * here if leave[i] == 0.0 else 0.0
        fast = par[BUILD] * stock[i] + par[BUILD_FLOOR] * base[i]
        free = room[i] + max(stock[i] - new[i], 0.0)
        cap[i] = max(min(min(fast, free), quota[i] - new[i]), 0.0)
    back = min(par[RETURN] * waiting, short)
    if back > 0.0:  # displaced machines first, with their own taste for near places
        for i in range(n):
            margin[i] = weight[i] * np.exp(near[group[i]])
        unplaced = _fill(back, margin, cap, inflow)
        for i in range(n):
            new[i] += inflow[i]
            cap[i] -= inflow[i]
        waiting -= back - unplaced
        short -= back - unplaced
    left = _fill(short, weight, cap, inflow)
    for i in range(n):
        new[i] += inflow[i]
    return waiting, left


@nb.njit(cache=True)
def _run(stock, waiting, group, hashrate, value, price, cut, found, leave, hide_to, hide_share, register_to, register_share,
         room, quota, alpha, near, base, par):
    """T months. stock (N,); hashrate (T,); value, price, cut, found, leave, room, quota (T, N) -> (T, N) EH/s, (T,) EH/s waiting"""
    t_count, n = price.shape
    out = np.empty((t_count, n))
    idle = np.empty(t_count)
    size = np.empty(alpha.size)
    inflow, weight, cap, margin = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    now = stock.copy()
    for t in range(t_count):
        waiting, _ = _step(now, waiting, group, hashrate[t], value[t], price[t], cut[t], found[t], leave[t], hide_to,
                           hide_share, register_to, register_share[t], room[t], quota[t], size, alpha, near, base, par,
                           out[t], inflow, weight, cap, margin)
        idle[t] = waiting
        now = out[t]
    return out, idle

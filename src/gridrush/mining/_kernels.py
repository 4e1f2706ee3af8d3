"""Loops of the rush: one month of location choice, or many.

Axes: month T, place N (other countries first, then the zones and statuses of the case). Nothing here raises.
"""

import numpy as np

from gridrush._jit import kernel

# Order of the scalars in `par`; `migration.RushParameters` fills it.
(
    BETA, GAMMA, CHURN, BUILD, BUILD_FLOOR, EXIT, EXIT_GAP, EXIT_WIDTH, SHUT, SHUT_MARGIN, SHUT_WIDTH, SEED, FOUND_COST,
    RETURN, LEGAL, FLOOR,
) = range(16)


@kernel
def _sigmoid(x):
    if x > 30.0:
        return 1.0
    if x < -30.0:
        return 0.0
    return 1.0 / (1.0 + np.exp(-x))


@kernel
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


@kernel
def _step(stock, waiting, group, hashrate, value, price, cut, found, leave, hide_to, hide_share, register_to,
          register_share, room, quota, size, alpha, near, base, par, new, inflow, weight, cap, margin):
    """One month. stock (N,) and waiting [EH/s] -> new (N,); gives machines still waiting and hash rate without place.

    group (N,) country of a place; value USD/MWh a MWh earns; price (N,) USD/MWh paid, fee in; cut (N,) share of hours
    without power; found (N,) share cut off for good; leave (N,) share driven out by a ban; hide_to (N,) place in which
    banned miners hide, or -1; register_to (N,) place in which a hidden miner may register, or -1; room (N,) and quota
    (N,) EH/s; size (C,) work; alpha (C,) pull of a country; near (C,) its extra pull on displaced machines;
    base (N,) share of a place in its country, for seeding.
    """
    n = stock.size
    abroad = 0.0  # the case's own miners look at what others earn
    mean = 0.0
    for i in range(n):
        m = 1.0 - price[i] / value
        if m > 0.0:
            m *= 1.0 - cut[i]
        m -= par[FOUND_COST] * found[i]
        if hide_to[i] >= 0:
            m += par[LEGAL]
        margin[i] = max(-1.0, min(1.0, m))
        if hide_to[i] < 0 and register_to[i] < 0:
            mean += margin[i] * stock[i]
            abroad += stock[i]
    mean = mean / abroad if abroad > 0.0 else 0.0
    for i in range(n):
        away = par[CHURN] + par[EXIT] * _sigmoid((mean - margin[i] - par[EXIT_GAP]) / par[EXIT_WIDTH])
        away += par[SHUT] * _sigmoid((par[SHUT_MARGIN] - margin[i]) / par[SHUT_WIDTH])
        new[i] = stock[i] * (1.0 - min(away, 1.0))
        new[i] *= 1.0 - found[i]
    for i in range(n):  # a ban: most leave, some hide
        if leave[i] > 0.0:
            gone = new[i] * leave[i]
            new[i] -= gone
            if hide_to[i] >= 0:
                new[hide_to[i]] += gone * hide_share
            else:
                waiting += gone
    for i in range(n):  # hidden miners register where that pays and the quota leaves room
        to = register_to[i]
        if to >= 0 and register_share > 0.0 and margin[to] >= margin[i]:
            move = min(new[i] * register_share, max(quota[to] - new[to], 0.0))
            new[i] -= move
            new[to] += move
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
        twin = hide_to[i] if hide_to[i] >= 0 else register_to[i]
        stand, freed = stock[i], stock[i] - new[i]  # of the zone, split between its statuses as the case has it
        if twin >= 0 and base[i] + base[twin] > 0.0:
            split = base[i] / (base[i] + base[twin])
            stand, freed = (stand + stock[twin]) * split, (freed + stock[twin] - new[twin]) * split
        here = (stand + par[SEED] * base[i] * size[g]) / ((1.0 + par[SEED]) * size[g]) if size[g] > 0.0 else base[i]
        pull = max(size[g], par[FLOOR] * hashrate) ** par[GAMMA]
        weight[i] = np.exp(alpha[g] + par[BETA] * margin[i]) * pull * here if leave[i] == 0.0 else 0.0
        fast = par[BUILD] * stand + par[BUILD_FLOOR] * base[i]
        free = room[i] + max(freed, 0.0)
        cap[i] = max(min(fast, free), 0.0)
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
        for i in range(n):
            margin[i] = inflow[i]
    else:
        margin[:] = 0.0
    left = _fill(short, weight, cap, inflow)
    spill, open_weight = 0.0, 0.0
    for i in range(n):  # what a quota turns away goes abroad, not into hiding
        new[i] += inflow[i]
        over = min(new[i] - quota[i], inflow[i] + margin[i])
        if over > 0.0:
            new[i] -= over
            spill += over
        if hide_to[i] < 0 and register_to[i] < 0:
            open_weight += weight[i]
    if spill > 0.0 and open_weight > 0.0:
        for i in range(n):
            if hide_to[i] < 0 and register_to[i] < 0:
                new[i] += spill * weight[i] / open_weight
    return waiting, left


@kernel
def _run(stock, waiting, group, hashrate, value, price, cut, found, leave, hide_to, hide_share, register_to,
         register_share, room, quota, alpha, near, base, par):
    """T months of `_step`. Gives EH/s by month and place (T, N), and EH/s of machines waiting (T,).

    hashrate, value, register_share (T,); price, cut, found, leave, room, quota (T, N); alpha (T, C).
    """
    t_count, n = price.shape
    out = np.empty((t_count, n))
    idle = np.empty(t_count)
    size = np.empty(alpha.shape[1])
    inflow, weight, cap, margin = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    now = stock.copy()
    for t in range(t_count):
        waiting, _ = _step(
            now, waiting, group, hashrate[t], value[t], price[t], cut[t], found[t], leave[t], hide_to, hide_share,
            register_to, register_share[t], room[t], quota[t], size, alpha[t], near, base, par, out[t], inflow, weight,
            cap, margin,
        )
        idle[t] = waiting
        now = out[t]
    return out, idle

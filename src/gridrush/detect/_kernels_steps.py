"""The search for changes of one feeder.

Shapes: D days of which m are whole, K blocks of the day, q columns of the model of a day, M directions a change may
take. Days without a reading in some block hold NaN and are left out; the noise of the days left is AR(1) in calendar
time.
"""

from __future__ import annotations

import numpy as np

from gridrush._jit import kernel

WINSOR = 3.0  # differences further out than this many robust standard deviations are pulled in to it
LONG_DAYS = 14  # of the sums that show whether slow noise is wider than AR(1) says
MAD = 1.4826
RAMP_BEFORE, RAMP_AFTER = 5, 15  # days about a change in which it may still be going on


@kernel
def orthonormal(z):  # (m, q) -> (m, q) with orthonormal columns, zero where one depends on those before it
    q = z.shape[1]
    out = z.copy()
    for j in range(q):
        size = np.sqrt((out[:, j] ** 2).sum())
        for _ in range(2):  # twice is enough
            for b in range(j):
                out[:, j] -= (out[:, b] * out[:, j]).sum() * out[:, b]
        left = np.sqrt((out[:, j] ** 2).sum())
        if size > 0.0 and left > 1e-7 * size:
            out[:, j] /= left
        else:
            out[:, j] = 0.0
    return out


@kernel
def residual(y, basis):  # y: (m, K), basis: (m, q) orthonormal
    out = y.copy()
    for j in range(basis.shape[1]):
        for k in range(y.shape[1]):
            out[:, k] -= (basis[:, j] * out[:, k]).sum() * basis[:, j]
    return out


@kernel
def _winsor(x):
    width = WINSOR * MAD * np.median(np.abs(x))
    return np.minimum(np.maximum(x, -width), width) if width > 0.0 else x


@kernel
def noise(e, days):  # e: (m, K) residuals, days: (m,) -> rho, covariance of a day's innovation (K, K)
    """AR(1) and covariance from differences over one and two days, which a step touches once or twice."""
    m, K = e.shape
    one = np.empty((m, K))
    two = np.empty((m, K))
    n1 = 0
    n2 = 0
    for i in range(1, m):
        if days[i] - days[i - 1] == 1:
            one[n1] = e[i] - e[i - 1]
            n1 += 1
            if i > 1 and days[i] - days[i - 2] == 2:
                two[n2] = e[i] - e[i - 2]
                n2 += 1
    cov = np.eye(K)
    if n1 < 10 or n2 < 10:
        return 0.0, cov
    v1 = 0.0
    v2 = 0.0
    for k in range(K):
        one[:n1, k] = _winsor(one[:n1, k])
        two[:n2, k] = _winsor(two[:n2, k])
        scale = (one[:n1, k] ** 2).mean()
        if scale > 0.0:
            v1 += 1.0
            v2 += (two[:n2, k] ** 2).mean() / scale
    rho = min(max(v2 / v1 - 1.0, 0.0), 0.9) if v1 > 0.0 else 0.0
    for a in range(K):
        for b in range(a + 1):
            value = 0.5 * (1.0 + rho) * (one[:n1, a] * one[:n1, b]).mean()
            cov[a, b] = value
            cov[b, a] = value
    mean = np.trace(cov) / K
    if mean <= 0.0:
        return rho, np.eye(K) * 1e-12
    for a in range(K):
        for b in range(K):
            if a != b:
                cov[a, b] *= 0.95
        cov[a, a] = max(cov[a, a], 1e-6 * mean)
    return rho, cov


@kernel
def gaps(days, rho):
    """What of the day before is left in each day, and the weight of what is new."""
    m = days.size
    keep = np.zeros(m)
    weight = np.empty(m)
    weight[0] = np.sqrt(1.0 - rho * rho)
    for i in range(1, m):
        r = rho ** (days[i] - days[i - 1])
        keep[i] = r
        weight[i] = np.sqrt((1.0 - rho * rho) / (1.0 - r * r))
    return keep, weight


@kernel
def innovations(x, keep, weight):  # (m, c)
    out = np.empty_like(x)
    out[0] = weight[0] * x[0]
    for i in range(1, x.shape[0]):
        out[i] = weight[i] * (x[i] - keep[i] * x[i - 1])
    return out


@kernel
def lower_solve(lower, rows):  # rows: (m, K) -> rows with unit covariance
    m, K = rows.shape
    out = np.empty_like(rows)
    for i in range(m):
        for k in range(K):
            value = rows[i, k]
            for b in range(k):
                value -= lower[k, b] * out[i, b]
            out[i, k] = value / lower[k, k]
    return out


@kernel
def scan(left, basis, toward, keep, weight, z, size, turn):
    """Signed root of the likelihood ratio of a step along one direction at each day. [z, size, turn: (m,)]

    left: residuals of unit covariance (m, K); basis: (m, q); toward: the step's direction on each day, whitened
    between blocks but not in time (m, K). z = A / sqrt(B), size = A / B; turn = 1 - correlation with the day after.
    """
    m, K = left.shape
    q = basis.shape[1]
    along = np.zeros((K, q))  # sums from the next day on
    c = np.empty((K, q))
    a_sum = 0.0
    n_sum = 0.0
    b_next = 0.0
    for i in range(m - 1, -1, -1):
        a = a_sum
        norm = n_sum
        b = 0.0
        for k in range(K):
            edge = weight[i] * toward[i, k]
            a += edge * left[i, k]
            norm += edge * edge
            for j in range(q):
                c[k, j] = along[k, j] + edge * basis[i, j]
                b += c[k, j] * c[k, j]
        b = norm - b
        if b > 1e-9 * max(norm, 1e-300):
            z[i] = a / np.sqrt(b)
            size[i] = a / b
        else:
            z[i] = 0.0
            size[i] = 0.0
        # the step a day later differs by this day's direction, gone again the next day as far as AR(1) keeps it
        if i + 1 < m and b > 0.0 and b_next > 0.0:
            one = 0.0
            for k in range(K):
                first = weight[i] * toward[i, k]
                second = -weight[i + 1] * keep[i + 1] * toward[i, k]
                one += first * first + second * second
                for j in range(q):
                    value = first * basis[i, j] + second * basis[i + 1, j]
                    one -= value * value
            turn[i] = min(max(1.0 - (b + b_next - one) / (2.0 * np.sqrt(b * b_next)), 0.0), 1.0)
        else:
            turn[i] = 0.0
        b_next = b
        for k in range(K):
            before = toward[i - 1, k] if i > 0 else 0.0
            full = weight[i] * (toward[i, k] - keep[i] * before)
            a_sum += full * left[i, k]
            n_sum += full * full
            for j in range(q):
                along[k, j] += full * basis[i, j]


@kernel
def slow_noise(left, toward):
    """Variance of fortnights' sums (weeks' in a short record) over what independent days would give, at least 1.

    From differences of neighbouring sums, in which a step is one of many.
    """
    m, K = left.shape
    days = LONG_DAYS if m >= 16 * LONG_DAYS else LONG_DAYS // 2
    blocks = m // days
    if blocks < 6:
        return 1.0
    sums = np.zeros(blocks)
    for i in range(blocks * days):
        size = 0.0
        value = 0.0
        for k in range(K):
            value += left[i, k] * toward[i, k]
            size += toward[i, k] * toward[i, k]
        if size > 0.0:
            sums[i // days] += value / np.sqrt(size)
    step = _winsor(np.diff(sums)) / np.sqrt(2.0 * days)
    return max((step * step).mean(), 1.0)


@kernel
def _columns(z, rest, drive, at, n, full):
    """Columns of the model of a day: z, and for each change its step on all days, on days of rest, and with drive."""
    m, q = z.shape
    more = 3 if full else 2
    out = np.zeros((m, q + more * n))
    out[:, :q] = z
    for c in range(n):
        for i in range(at[c], m):
            out[i, q + more * c] = 1.0
            out[i, q + more * c + 1] = rest[i]
            if full:
                out[i, q + more * c + 2] = drive[i]
    return out


@kernel
def find_changes(
    x, z, rest, drive, shapes, threshold, least_share, most, margin, at, delta, spread, sizes, facts, flat_z, flat_turn
):
    """Changes of one feeder, found one after another and then each again given the others.

    x: (D, K) block means; z: (D, q) columns of the model; rest, drive: (D,); shapes: (M, 2, K) directions on working
    days and days of rest. Written: at (most,) day of each change or -1; delta (most, 3, K) its step, more on days of
    rest, and with drive; spread (3 most, 3 most) and cov: its error is spread x cov; sizes (most, 2) its z and MW;
    facts: rho, largest z of a flat step up, its day, its MW, its spread by slow noise, days used, mean;
    flat_z, flat_turn (D,): the first scan for a flat step and the turn of its statistic. Returns n, cov.
    """
    D, K = x.shape
    M = shapes.shape[0]
    count = 0
    days = np.empty(D, np.int64)
    for d in range(D):
        whole = True
        for k in range(K):
            if not np.isfinite(x[d, k]):
                whole = False
        if whole:
            days[count] = d
            count += 1
    days = days[:count]
    at[:] = -1
    facts[5] = count
    cov = np.eye(K)
    if count < 2 * margin + 7:
        return 0, cov
    m = count
    y = np.empty((m, K))
    zd = np.empty((m, z.shape[1]))
    rd = np.empty(m)
    dr = np.empty(m)
    for i in range(m):
        y[i] = x[days[i]]
        zd[i] = z[days[i]]
        rd[i] = rest[days[i]]
        dr[i] = drive[days[i]]
    mean = y.sum() / (m * K)
    facts[6] = mean
    plain = residual(y, orthonormal(zd))
    own = np.maximum(y - plain, 0.0)
    own_mean = own.sum() / (m * K)
    rho, cov = noise(plain, days)
    facts[0] = rho
    lower = np.linalg.cholesky(cov)
    keep, weight = gaps(days, rho)
    yw = lower_solve(lower, innovations(y, keep, weight))
    toward = np.empty((M + 1, m, K))
    for c in range(M):
        for i in range(m):
            toward[c, i] = shapes[c, int(rd[i])]
    toward[M] = own / own_mean if own_mean > 0.0 else np.ones_like(own)
    for c in range(M + 1):
        toward[c] = lower_solve(lower, toward[c])
    zs = np.zeros(m)
    ss = np.zeros(m)
    turn = np.zeros(m)
    wide = np.ones(M + 1)
    taken = np.zeros(most, np.int64)
    n = 0
    for look in range(most + 1):
        basis = orthonormal(innovations(_columns(zd, rd, dr, taken, n, False), keep, weight))
        left = residual(yw, basis)
        best = 0.0
        where = -1
        for c in range(M + 1):
            wide[c] = slow_noise(left, toward[c])
            scan(left, basis, toward[c], keep, weight, zs, ss, turn)
            if look == 0 and c == 0:
                facts[4] = wide[0]
                flat_z[:] = 0.0
                flat_turn[:] = 0.0
                for i in range(margin, m - margin):
                    flat_z[days[i]] = zs[i]
                    flat_turn[days[i]] = turn[i]
                    if zs[i] > facts[1]:
                        facts[1] = zs[i]
                        facts[2] = days[i]
                        facts[3] = ss[i]
            for i in range(margin, m - margin):
                value = abs(zs[i]) / np.sqrt(wide[c])
                near = False
                for o in range(n):
                    if abs(days[i] - days[taken[o]]) < margin:
                        near = True
                if value > best and not near and abs(ss[i]) >= least_share * mean:
                    best = value
                    where = i
        if n == most or best * best < threshold:
            break
        taken[n] = where
        n += 1
    for _ in range(2):  # each change again, given the others
        if n < 2:
            break
        moved = False
        for c in range(n):
            was = taken[c]
            others = np.zeros(most, np.int64)
            put = 0
            for o in range(n):
                if o != c:
                    others[put] = taken[o]
                    put += 1
            basis = orthonormal(innovations(_columns(zd, rd, dr, others, n - 1, False), keep, weight))
            left = residual(yw, basis)
            best = 0.0
            for w in range(M + 1):
                scan(left, basis, toward[w], keep, weight, zs, ss, turn)
                for i in range(max(margin, was - 30), min(m - margin, was + 31)):
                    near = False
                    for o in range(n - 1):
                        if abs(days[i] - days[others[o]]) < margin:
                            near = True
                    value = abs(zs[i]) / np.sqrt(wide[w])
                    if value > best and not near:
                        best = value
                        taken[c] = i
            moved = moved or taken[c] != was
        if not moved:
            break
    taken[:n] = np.sort(taken[:n])
    for c in range(n):
        at[c] = days[taken[c]]
    # a farm comes over days or weeks: those about each change are left out where enough stay on both sides
    stay = np.ones(m, np.bool_)
    for c in range(n):
        before = taken[c - 1] if c > 0 else 0
        after = taken[c + 1] if c + 1 < n else m
        if after - taken[c] >= RAMP_AFTER + margin and taken[c] - before >= RAMP_BEFORE + 7:
            stay[taken[c] - RAMP_BEFORE : taken[c] + RAMP_AFTER] = False
    kept = np.flatnonzero(stay)
    columns = _columns(zd, rd, dr, taken, n, True)[kept]
    keep, weight = gaps(days[kept], rho)
    xw = innovations(columns, keep, weight)
    q = zd.shape[1]
    gram = xw.T @ xw
    for j in range(gram.shape[0]):
        gram[j, j] += 1e-9 * max(gram[j, j], 1e-12)
    for c in range(n):
        gram[q + 3 * c + 2, q + 3 * c + 2] += 1.0
    inverse = np.linalg.inv(gram)
    coefficients = inverse @ (xw.T @ innovations(y[kept], keep, weight))
    for c in range(n):
        for part in range(3):
            delta[c, part] = coefficients[q + 3 * c + part]
    spread[: 3 * n, : 3 * n] = inverse[q:, q:] * wide[0]
    for c in range(n):
        level = delta[c, 0].mean() + delta[c, 1].mean() * 2.0 / 7.0
        sizes[c, 1] = level
        sizes[c, 0] = level / np.sqrt(max(spread[3 * c, 3 * c] * cov.sum() / K**2, 1e-300))
    return n, cov


@kernel
def find_all(
    x, z, kind, rest, drive, shapes, threshold, least_share, most, margin, at, delta, spread, sizes, facts, covs, found
):
    """`find_changes` of many feeders. x: (n, D, K), z: (C, D, q) and drive (C, D) by class, kind: (n,) its class."""
    D = x.shape[1]
    flat_z = np.zeros(D)
    flat_turn = np.zeros(D)
    for i in range(x.shape[0]):
        n, cov = find_changes(
            x[i], z[kind[i]], rest, drive[kind[i]], shapes, threshold, least_share, most, margin, at[i], delta[i],
            spread[i], sizes[i], facts[i], flat_z, flat_turn,
        )  # fmt: skip
        found[i] = n
        covs[i] = cov
        facts[i, 7] = flat_turn.sum()
        facts[i, 8] = (flat_turn > 0.0).sum()

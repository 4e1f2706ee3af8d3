"""How likely an unregistered farm is behind each feeder, how many MW, and since when.

Each change of a feeder is a step of K hours-of-day blocks on working days and on days of rest, and what of it follows
the season. It is compared with what a farm would add and with what honest customers add (`shapes.library`). With v the
step, V its error, u a shape and P its MW,

    v ~ t_nu(P u, V + P^2 T_u),   P > 0 (or < 0) with a log-normal prior,

T_u being how far real customers of that shape stray from it; P is integrated at its best value (Laplace). The farm's
share of the evidence, with prior rates, is the chance that this change is a farm. A flat honest customer (telecom, data
centre, cold store) has the same shape as a farm: no likelihood of shape parts them, and the chance stays at the odds of
the priors until something else speaks: power factor, an answer to events, a balance that does not close, a register.

A farm that stood there before the record shows only as load too flat for its class (`before`). That is weak evidence
and is given little.

References
----------
Wheeler, K.A. et al. (2018), A power quality and load analysis of a cryptocurrency mine, IEEE EPEC,
doi:10.1109/EPEC.2018.8598358 (power factor and harmonics of a mine measured on three feeders).
Majumder, S. et al. (2024), An econometric analysis of large flexible cryptocurrency-mining consumers in electricity
markets, arXiv:2408.12014 (mines follow temperature and power price; no short-run answer to coin price).
Saeed, M.S. et al. (2020), Detection of non-technical losses in power utilities: a comprehensive systematic review,
Energies 13(18), 4727.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_ndtr, logsumexp

from gridrush.detect.changes import Changes
from gridrush.detect.shapes import BLOCKS, OWN, Shape, library
from gridrush.units import Floats

DEGREES = 6.0
"""Of the t distribution of a step about its shape: real steps stray more than a normal one allows."""
FLAT_HONEST = ("flat customer", "cold store", "plant, all week")
"""Shapes whose reactive power is compared with a farm's."""
SEASON_STRAY = {"none": 0.05, "own": 0.15, "only": 0.15}
"""Standard deviation of a step's answer to the season about what its shape says, over its MW."""
LEAST_Z = 2.5
"""Level of a change over its error below which it says nothing about MW."""


@dataclass(frozen=True)
class Priors:
    """What is believed before looking. All are judgement; labels of inspections replace them where there are any."""

    prevalence_share: float = 0.02  # feeders with an unregistered farm
    before_share: float = 0.3  # of those, farms older than the record
    honest_changes_per_year: float = 0.5  # changes of a feeder for honest reasons
    honest_flat_share: float = 0.15  # of those changes, that are flat or nearly so: data centres, cold stores, plants
    honest_flat_before_share: float = 0.10  # feeders on which flat honest load stands throughout
    farm_leaves_share: float = 0.3  # farms that leave in the course of the record
    unmetered_farm_share: float = 0.5  # farms that bypass the meter
    unmetered_honest_share: float = 0.05  # honest changes that the meters do not show (late readings, lost meters)
    answers_share: float = 0.5  # farms that give way in an event such as a fall of coin price
    farm_size_mw: float = 1.0  # median


@dataclass(frozen=True)
class Evidence:
    """What else is known of each change (N, M) or feeder (N,); NaN where nothing is."""

    tan_phi: Floats  # (N, M) reactive over active power of the step
    tan_phi_std: Floats
    unmetered_share: Floats  # (N, M) of the step that the meters behind the feeder do not show
    unmetered_std: Floats
    event_drop_mw: Floats  # (N, E) fall of load in each event
    event_drop_std_mw: Floats
    missing_share: Floats  # (N,) of the feeder's load at night that no meter shows, after technical losses

    @classmethod
    def none(cls, n: int, most: int) -> Evidence:
        """Nothing but load."""
        a, e = np.full((n, most), np.nan), np.zeros((n, 0))
        return cls(a, a.copy(), a.copy(), a.copy(), e, e.copy(), np.full(n, np.nan))


@dataclass(frozen=True)
class Posterior:
    """What is believed of N feeders after looking; of each change what it may be."""

    probability: Floats  # (N,) an unregistered farm stands there at the end of the record
    farm_mw: Floats  # (N,) its MW if it does
    farm_std_mw: Floats
    expected_mw: Floats  # (N,) probability x MW
    since_day: NDArray[np.int64]  # (N,) day of the record, -1: before it
    log_odds: Floats  # (N,)
    change_kind: NDArray[np.int64]  # (N, M) most likely shape of each change, -1 where there is none
    change_duty: NDArray[np.int64]  # (N, M) the shape of a farm that fits it best
    change_farm: Floats  # (N, M) chance that it is a farm coming (MW > 0) or leaving (MW < 0)
    change_mw: Floats  # (N, M) MW as a farm of its likeliest duty
    change_std_mw: Floats  # (N, M)
    before: Floats  # (N,) chance that a farm older than the record stands there
    names: tuple[str, ...] = field(default=())


def evidence_of_shapes(
    changes: Changes, own: Floats, own_season: Floats, *, shapes: tuple[Shape, ...] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Log evidence of each shape for each change, and the MW and error it would have. Three arrays (N, M, H).

    Parameters
    ----------
    changes : Changes
    own : ndarray, shape (N, 2, K)
        Each feeder's own shape on working days and days of rest, mean of the week 1.
    own_season : ndarray, shape (N,)
        Its load per standard deviation of the season's drive, over its mean.
    shapes : tuple of Shape, optional
        Default: `library()`; the feeder's own shape comes last.

    Returns
    -------
    log_evidence, mw, std_mw : ndarray, shape (N, M, H + 1)
    """
    known = library() if shapes is None else shapes
    N, M = changes.day.shape
    H, K = len(known) + 1, BLOCKS
    out = np.full((N, M, H), -np.inf)
    mw, std = np.zeros((N, M, H)), np.ones((N, M, H))
    rows, cols = np.nonzero(changes.day >= 0)
    if rows.size == 0:
        return out, mw, std
    C = rows.size
    delta = changes.delta_mw[rows, cols]  # (C, 3, K)
    v = np.concatenate([delta[:, 0], delta[:, 1], delta[:, 2].mean(axis=1)[:, None]], axis=1)
    at = 3 * cols[:, None] + np.arange(3)
    S = changes.spread[rows[:, None, None], at[:, :, None], at[:, None, :]]  # (C, 3, 3)
    cov = changes.innovation[rows]
    V = np.zeros((C, 2 * K + 1, 2 * K + 1))
    for a in range(2):
        for b in range(2):
            V[:, a * K : (a + 1) * K, b * K : (b + 1) * K] = S[:, a, b, None, None] * cov
        cross = S[:, a, 2, None] * cov.mean(axis=2)
        V[:, a * K : (a + 1) * K, 2 * K] = cross
        V[:, 2 * K, a * K : (a + 1) * K] = cross
    V[:, 2 * K, 2 * K] = S[:, 2, 2] * cov.mean(axis=(1, 2))
    sign = np.sign(changes.level_mw[rows, cols])
    away = np.abs(np.arange(K)[:, None] - np.arange(K))
    alike = 0.5 * np.eye(K) + 0.5 * 0.7 ** np.minimum(away, K - away)
    for h in range(H):
        shape = known[h] if h < len(known) else OWN
        u = np.zeros((C, 2 * K + 1))
        profile = own[rows] if shape is OWN else np.broadcast_to(shape.profile, (C, 2, K))
        u[:, :K], u[:, K : 2 * K] = profile[:, 0], profile[:, 1] - profile[:, 0]
        follows = own_season[rows]
        u[:, 2 * K] = {"none": 0.0 * follows, "own": follows, "only": np.sign(follows) * 0.6}[shape.season]
        T = np.zeros((2 * K + 1, 2 * K + 1))
        T[:K, :K] = shape.stray_share**2 * alike
        T[K : 2 * K, K : 2 * K] = 0.5 * shape.stray_share**2 * alike
        T[2 * K, 2 * K] = SEASON_STRAY[shape.season] ** 2
        p = np.abs(changes.level_mw[rows, cols])
        for _ in range(3):
            full = V + (p**2)[:, None, None] * T
            solved = np.linalg.solve(full, np.stack([v, u], axis=2))  # (C, d, 2)
            precision = np.einsum("cd,cd->c", u, solved[:, :, 1])
            best = np.einsum("cd,cd->c", u, solved[:, :, 0]) / precision
            p = np.clip(np.abs(best), 1e-3 * np.abs(changes.mean_mw[rows]), None)
        left = np.einsum("cd,cd->c", v, solved[:, :, 0]) - best**2 * precision
        d = v.shape[1]
        density = gammaln((DEGREES + d) / 2) - gammaln(DEGREES / 2) - 0.5 * d * np.log(DEGREES * np.pi)
        density = density - 0.5 * np.linalg.slogdet(full)[1] - 0.5 * (DEGREES + d) * np.log1p(left / DEGREES)
        size = _log_normal(np.log(p), np.log(shape.size_mw), shape.size_log_std) - np.log(p)
        width = np.minimum(1 / np.sqrt(precision), p)
        right = log_ndtr(sign * best * np.sqrt(precision))  # the step has the sign that it has
        out[rows, cols, h] = density + size + 0.5 * np.log(2 * np.pi) + np.log(width) + right
        mw[rows, cols, h] = best
        std[rows, cols, h] = 1 / np.sqrt(precision)
    return out, mw, std


def log_odds_of_tan_phi(tan_phi: Floats, std: Floats) -> Floats:
    """Log likelihood ratio, farm against flat honest customer, of the reactive power a step brings.

    Supplies of machines correct their power factor: tan phi about 0.10 +- 0.08. Flat honest load is half motors and
    compressors (0.60 +- 0.15), half telecom and computers (0.15 +- 0.10). Assumed values; held within e^5.

    Examples
    --------
    >>> log_odds_of_tan_phi(np.array([0.08, 0.6]), np.array([0.05, 0.05])).round(1)
    array([ 1., -5.])
    """
    known = np.isfinite(tan_phi) & np.isfinite(std)
    tan, error = np.where(known, tan_phi, 0.0), np.where(known, std, 1.0)
    farm = _log_normal(tan, 0.10, np.hypot(0.08, error))
    motors = _log_normal(tan, 0.60, np.hypot(0.15, error))
    computers = _log_normal(tan, 0.15, np.hypot(0.10, error))
    ratio = np.clip(farm - np.logaddexp(motors, computers) + np.log(2.0), -5.0, 5.0)
    return np.asarray(np.where(known, ratio, 0.0))


def log_odds_of_balance(unmetered: Floats, std: Floats, priors: Priors) -> Floats:
    """Log likelihood ratio, farm against honest change, of the share of a step that meters do not show."""
    known = np.isfinite(unmetered) & np.isfinite(std)
    part, error = np.where(known, unmetered, 0.0), np.where(known, std, 1.0)
    whole = _log_normal(part, 0.95, np.hypot(0.15, error))
    nothing = _log_normal(part, 0.05, np.hypot(0.10, error))

    def mix(share: float) -> Floats:
        return np.asarray(np.logaddexp(np.log(share) + whole, np.log1p(-share) + nothing))

    ratio = mix(priors.unmetered_farm_share) - mix(priors.unmetered_honest_share)
    return np.asarray(np.where(known, ratio, 0.0))


def log_odds_of_events(
    drop: Floats, std: Floats, farm_mw: Floats, priors: Priors, *, registered_mw: Floats | None = None
) -> Floats:
    """Log likelihood ratio, farm of so many MW against none, of the falls of load in events. (N,)

    A farm gives way with chance `answers_share`, then by any part of its MW alike; honest load does neither, but
    registered mining behind the feeder does. Each event's error is widened by a twentieth of the farm, and its ratio
    held within e^3, so that no single one decides.

    Parameters
    ----------
    drop, std : ndarray, shape (N, E)
        Fall of load in each event, and its error. [MW]
    farm_mw, registered_mw : ndarray, shape (N,)
    """
    R = np.zeros(farm_mw.shape) if registered_mw is None else registered_mw
    total = np.zeros(farm_mw.shape)
    part = (np.arange(20) + 0.5) / 20

    def answer(d: Floats, s: Floats, mw: Floats) -> Floats:
        still = _log_normal(d, 0.0, s)
        given = logsumexp(_log_normal(d[:, None], part * mw[:, None], s[:, None]), axis=1) - np.log(part.size)
        return np.asarray(np.logaddexp(np.log(priors.answers_share) + given, np.log1p(-priors.answers_share) + still))

    for e in range(drop.shape[1]):
        known = np.isfinite(drop[:, e]) & np.isfinite(std[:, e]) & (farm_mw > 0)
        d = np.where(known, drop[:, e], 0.0)
        s = np.hypot(np.where(known, std[:, e], 1.0), 0.05 * farm_mw) + 1e-9
        total += np.where(known, np.clip(answer(d, s, farm_mw + R) - answer(d, s, R), -3.0, 3.0), 0.0)
    return total


SHARES = np.linspace(0.04, 0.9, 44)
"""Shares of flat load in a feeder's load that are looked at, alike before looking."""


def flat_before(base_share: Floats, kind: NDArray[np.int64]) -> Floats:
    """Log evidence that flat load of each of `SHARES` stands on a feeder throughout, against none. (N, Q)

    Night load over mean load f is compared, as log f/(1-f), with the robust spread of its class (classes of 8 and
    more). With flat load of share q added to an ordinary feeder of f0, f = q + (1 - q) f0. The best is held at e^5.
    """
    f = np.clip(base_share, 0.02, 0.985)
    logit = np.log(f / (1 - f))
    ratio = np.zeros((f.size, SHARES.size))
    for c in np.unique(kind):
        rows = np.flatnonzero((kind == c) & np.isfinite(base_share))
        if rows.size < 8:
            continue
        middle = np.median(logit[rows])
        spread = max(1.4826 * float(np.median(np.abs(logit[rows] - middle))), 0.15)
        f0 = np.clip((f[rows, None] - SHARES) / (1 - SHARES), 1e-3, None)
        jacobian = f[rows, None] * (1 - f[rows, None]) / (f0 * (1 - f0) * (1 - SHARES))
        each = _log_normal(np.log(f0 / (1 - f0)), middle, spread) + np.log(jacobian)
        each = np.maximum(each - _log_normal(logit[rows], middle, spread)[:, None], -20.0)
        ratio[rows] = each - np.maximum(each.max(axis=1, keepdims=True) - 5.0, 0.0)
    return ratio


def infer(
    changes: Changes,
    own: Floats,
    own_season: Floats,
    base_share: Floats,
    kind: NDArray[np.int64],
    *,
    years: float,
    registered_mw: Floats,
    known_flat_mw: Floats,
    evidence: Evidence,
    priors: Priors | None = None,
) -> Posterior:
    """Posterior of each feeder from its changes, its flatness, and what else is known.

    Parameters
    ----------
    changes : Changes
    own, own_season : see `evidence_of_shapes`
    base_share : ndarray, shape (N,)
        Night load over mean load with the changes found taken out.
    kind : ndarray, shape (N,)
        Class of each feeder.
    years : float
        Length of the record.
    registered_mw, known_flat_mw : ndarray, shape (N,)
        A flat step of about this size is what the register says it is; registered MW no step explains are taken off.
    """
    pr = priors or Priors()
    shapes = tuple(replace(s, size_mw=s.size_mw * pr.farm_size_mw) if s.kind == "farm" else s for s in library())
    like, mw, std = evidence_of_shapes(changes, own, own_season, shapes=shapes)
    H = len(shapes)
    N, M = changes.day.shape
    names = (*(s.name for s in shapes), OWN.name)
    farms = np.array([s.kind == "farm" for s in shapes] + [False])
    weight = np.array([s.weight for s in shapes] + [OWN.weight])
    honest_rate = pr.honest_changes_per_year * years
    start = pr.prevalence_share * (1 - pr.before_share)
    flats = np.array([s.name in FLAT_HONEST for s in shapes] + [False])
    others = ~farms & ~flats
    weight[flats] *= pr.honest_flat_share / weight[flats].sum()
    weight[others] *= (1.0 - pr.honest_flat_share) / weight[others].sum()

    tan = log_odds_of_tan_phi(evidence.tan_phi, evidence.tan_phi_std)
    balance = log_odds_of_balance(evidence.unmetered_share, evidence.unmetered_std, pr)
    flat = flat_before(base_share, kind)
    probability, farm_mw, farm_std = np.zeros(N), np.zeros(N), np.zeros(N)
    since = np.full(N, -1, np.int64)
    best_kind, best_duty, change_farm = np.full((N, M), -1), np.full((N, M), -1), np.zeros((N, M))
    change_mw, change_std = np.zeros((N, M)), np.zeros((N, M))
    before = np.zeros(N)
    for i in range(N):
        declared = [x for x in (registered_mw[i], known_flat_mw[i]) if x > 0]
        here, share, share_std = _before(flat[i], evidence.missing_share[i], bool(declared), pr)
        standing = max(share * changes.mean_mw[i] - sum(declared), 0.0)
        here = here if standing > 0.0 else 0.0
        before[i], q, variance = here, here, (share_std * changes.mean_mw[i]) ** 2
        mean, left_over = standing, float(registered_mw[i])
        since_weight, since[i] = here, -1
        for c in range(int(changes.count[i])):
            weak = abs(changes.z[i, c]) < LEAST_Z
            up = changes.level_mw[i, c] > 0
            rate = start if up else q * pr.farm_leaves_share
            with np.errstate(divide="ignore"):
                log = like[i, c] + np.log(np.where(farms, rate * weight, honest_rate * weight))
            if up:
                log = np.where(farms, log + balance[i, c], log)
                log = np.where(flats, log - tan[i, c], log) if np.isfinite(tan[i, c]) else log
            level = int(np.argmax(farms))  # the flat farm
            said = -np.inf
            for x in declared if up else ():
                fits = _log_normal(mw[i, c, level], x, np.hypot(std[i, c, level], 0.2 * x))
                size = _log_normal(np.log(max(mw[i, c, level], 1e-6)), np.log(shapes[level].size_mw), 1.2)
                shape_alone = like[i, c, level] - size + np.log(max(mw[i, c, level], 1e-6))
                said = np.logaddexp(said, shape_alone + fits - np.log(2))
            total = np.logaddexp(logsumexp(log), said)
            chance = 0.0 if weak else float(np.exp(logsumexp(log[farms]) - total))
            likeliest = int(np.argmax(log))
            best_kind[i, c] = H + 1 if said > log[likeliest] else likeliest
            duty = int(np.flatnonzero(farms)[np.argmax(log[farms])])
            change_farm[i, c], best_duty[i, c] = chance, duty
            change_mw[i, c], change_std[i, c] = mw[i, c, duty], std[i, c, duty]
            if up:
                if said > logsumexp(log[farms]) and registered_mw[i] > 0:
                    left_over = max(left_over - mw[i, c, level], 0.0)
                found = max(mw[i, c, duty], 0.0)
                joint = 1 - (1 - q) * (1 - chance)
                mean = (q * mean + chance * found) / joint if joint > 0 else 0.0
                variance = (q * variance + chance * std[i, c, duty] ** 2) / joint if joint > 0 else 0.0
                q = joint
                if chance > since_weight:
                    since_weight, since[i] = chance, changes.day[i, c]
            else:
                gone = min(max(-mw[i, c, duty], 0.0) / max(mean, 1e-9), 1.0)
                if gone > 0.5:
                    q *= 1 - chance
                else:
                    mean -= chance * gone * mean
        if left_over > 0 and mean > 0 and since[i] >= 0:
            mean = max(mean - left_over, 0.0)
            q = q if mean > 0.2 * left_over else q * 0.2
        probability[i], farm_mw[i], farm_std[i] = q, mean, np.sqrt(max(variance, 0.0))
    odds = _logit(probability) + log_odds_of_events(
        evidence.event_drop_mw, evidence.event_drop_std_mw, farm_mw, pr,
        registered_mw=registered_mw,
    )  # fmt: skip
    probability = 1 / (1 + np.exp(-odds))
    probability = np.where(farm_mw > 0, probability, 0.0)
    return Posterior(
        probability, farm_mw, farm_std, probability * farm_mw, since, odds, best_kind, best_duty, change_farm,
        change_mw, change_std, before, (*names, "what the register says"),
    )  # fmt: skip


def _before(flat: Floats, missing: float, declared: bool, pr: Priors) -> tuple[float, float, float]:
    """Chance that a farm older than the record stands on a feeder, its share of the load, and that share's error.

    Against it stand nothing at all, and honest flat load; load at night that no meter shows speaks for a farm of that
    share (if it bypasses its meter) and hardly for the others.
    """
    farm, honest_missing = flat.copy(), 0.0
    if np.isfinite(missing):
        whole = _log_normal(missing, SHARES, 0.04 + 0.15 * SHARES)
        nothing = _log_normal(missing, 0.0, 0.03)
        anything = _log_normal(missing, 0.1, 0.15)
        bypass, lost = pr.unmetered_farm_share, pr.unmetered_honest_share
        farm = farm + np.logaddexp(np.log(bypass) + whole, np.log1p(-bypass) + nothing)
        honest_missing = float(np.logaddexp(np.log(lost) + anything, np.log1p(-lost) + nothing))
    prior = pr.prevalence_share * pr.before_share
    also_flat = pr.honest_flat_before_share * (3.0 if declared else 1.0)
    log_farm = np.log(prior) + float(np.clip(logsumexp(farm) - np.log(farm.size) - honest_missing, -8.0, 8.0))
    log_flat = np.log(also_flat) + float(logsumexp(flat) - np.log(flat.size))
    log_rest = np.logaddexp(np.log1p(-prior - also_flat), log_flat)
    weight = np.exp(farm - farm.max())
    weight = weight / weight.sum()
    share = float((weight * SHARES).sum())
    std = float(np.sqrt((weight * (SHARES - share) ** 2).sum()))
    return float(np.exp(log_farm - np.logaddexp(log_farm, log_rest))), share, std


def _log_normal(x: Any, mean: Any, std: Any) -> Any:
    """Log density of a normal variable, or of many."""
    return -0.5 * ((x - mean) / std) ** 2 - np.log(std) - 0.9189385332046727


def _logit(p: Floats) -> Floats:
    q = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(q / (1 - q)))

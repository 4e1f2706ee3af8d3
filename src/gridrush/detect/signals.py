"""Signs of a mine in a feeder's load, each with a physical reading; one function each, over many feeders at once.

A mine runs day and night, weekday and holiday, summer and winter, behind power supplies that correct their power
factor, and stops when the network, the price or the inspector stops it. No sign is proof: every one has an honest
bearer, named in its docstring. Shapes: N feeders, T hours, D days, M changes.

References
----------
Glauner, P. et al. (2017), The challenge of non-technical loss detection using artificial intelligence: a survey,
Int. J. Computational Intelligence Systems 10(1) (signs used by utilities).
Wheeler, K.A. et al. (2018), IEEE EPEC, doi:10.1109/EPEC.2018.8598358 (load and power quality of a mine).
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridrush.detect import _kernels
from gridrush.detect.changes import MARGIN_DAYS, Changes
from gridrush.detect.records import Hours, Records
from gridrush.units import Floats

NIGHT_H = slice(1, 5)
DAY_H = slice(9, 21)
TECHNICAL_LOSS_SHARE = 0.05
"""Of what a feeder carries, lost in wires and transformers (usual 3 to 7% at distribution; assumed)."""
WINDOW_DAYS = 28
"""Before and after a change or event, over which levels are compared."""


def load_factor(load_mw: ArrayLike) -> Floats:
    """Mean over peak load, the peak being the 99.5th percentile of hours. [1] (N,)

    lf = mean(P) / P_99.5. A mine is near 0.95; towns 0.5 to 0.65. Continuous industry is as high.

    Examples
    --------
    >>> load_factor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 2.0]]).round(2)
    array([1.  , 0.25])
    """
    load = np.asarray(load_mw, np.float64)
    top = np.nanquantile(load, 0.995, axis=1, method="higher")
    return np.asarray(_mean(load) / np.where(top > 0, top, np.nan))


def night_day_ratio(profile_mw: ArrayLike) -> Floats:
    """Load from 1 to 5 h over load from 9 to 21 h, working days. [1] (N,)

    A mine gives 1.0, homes 0.5 to 0.7, shops 0.2 to 0.4. Night-storage heating and lighting are above 1.

    Parameters
    ----------
    profile_mw : array_like, shape (N, 2, 24)
        Mean load of each local hour on working days and days of rest. [MW]

    Examples
    --------
    >>> night_day_ratio(np.full((1, 2, 24), 3.0))
    array([1.])
    """
    p = np.asarray(profile_mw, np.float64)[:, 0]
    day = _mean(p[:, DAY_H])
    return np.asarray(_mean(p[:, NIGHT_H]) / np.where(day > 0, day, np.nan))


def rest_work_ratio(profile_mw: ArrayLike) -> Floats:
    """Mean load of days of rest over that of working days. [1] (N,)

    A mine knows no Sunday: 1.0. So do homes (1.0 to 1.1), cold stores and telecom; offices and shifts are below 0.8.

    Examples
    --------
    >>> rest_work_ratio(np.stack([np.full((2, 24), 2.0) * [[1.0], [0.5]]]))
    array([0.5])
    """
    p = np.asarray(profile_mw, np.float64)
    work = _mean(p[:, 0])
    return np.asarray(_mean(p[:, 1]) / np.where(work > 0, work, np.nan))


def flatness(blocks_mw: NDArray[np.float32], drive: Floats) -> Floats:
    """Evenness of the day once season and weather are out: 1 - std / mean of the mild day's blocks. [1] (N,)

    The mild day is the median of days whose season's drive lies within half a standard deviation of its middle.

    Parameters
    ----------
    blocks_mw : ndarray, shape (N, D, K)
    drive : ndarray, shape (N, D)
        Season's drive of each feeder's class.

    Examples
    --------
    >>> flatness(np.full((1, 60, 8), 2.0, np.float32), np.zeros((1, 60)))
    array([1.])
    """
    out = np.empty(len(blocks_mw))
    for i, rows in enumerate(blocks_mw):
        mild = rows[np.abs(drive[i]) <= 0.5]
        mild = mild[np.isfinite(mild).all(axis=1)]
        day = np.median(mild, axis=0) if len(mild) else np.full(rows.shape[1], np.nan)
        out[i] = 1.0 - day.std() / day.mean() if day.mean() > 0 else np.nan
    return out


def season_response(daily_mw: ArrayLike, drive: Floats, rest: Floats) -> Floats:
    """Rise of the day's load per standard deviation of the season's drive, over mean load. [1] (N,)

    Least squares of the day's load on a constant, days of rest and the drive. A mine: 0 to 0.02 (fans in summer).
    Homes: 0.05 to 0.3. Industry is as deaf to weather as a mine.

    Examples
    --------
    >>> d = np.sin(np.arange(100.0)); season_response([2 + 0.2 * d], d[None], np.zeros(100)).round(3)
    array([0.1])
    """
    daily = np.asarray(daily_mw, np.float64)
    out = np.full(len(daily), np.nan)
    for i, row in enumerate(daily):
        there = np.isfinite(row)
        if there.sum() < 28 or row[there].mean() <= 0:
            continue
        x = np.column_stack([np.ones(there.sum()), rest[there], drive[i][there]])
        out[i] = np.linalg.lstsq(x, row[there], rcond=None)[0][2] / row[there].mean()
    return out


def weather_deafness(daily_mw: ArrayLike, drive: Floats) -> Floats:
    """Part of the day-to-day spread of load that the season's drive leaves unexplained, 1 - r^2. [1] (N,)

    Examples
    --------
    >>> d = np.sin(np.arange(100.0)); weather_deafness([3 + d], -d[None]).round(6) + 0.0
    array([0.])
    """
    daily = np.asarray(daily_mw, np.float64)
    out = np.full(len(daily), np.nan)
    for i, row in enumerate(daily):
        there = np.isfinite(row)
        if there.sum() < 28:
            continue
        spread = row[there].std() * drive[i][there].std()
        cov = np.mean((row[there] - row[there].mean()) * (drive[i][there] - drive[i][there].mean()))
        out[i] = 1.0 - (cov / spread) ** 2 if spread > 0 else 1.0
    return out


def base_share(blocks_mw: NDArray[np.float32], changes: Changes) -> Floats:
    """Night load over mean load of the median day, with the level of every change found taken out. [1] (N,)

    The two lowest blocks of the median day stand for its night. Flat load that came before the record lifts it.
    """
    out = np.full(len(blocks_mw), np.nan)
    for i, rows in enumerate(blocks_mw):
        day = rows.astype(np.float64)
        for c in range(int(changes.count[i])):
            day[changes.day[i, c] :] -= changes.delta_mw[i, c, 0]
        day = day[np.isfinite(day).all(axis=1)]
        if len(day) < 14:
            continue
        usual = np.median(day, axis=0)
        if usual.mean() > 0.05 * np.nanmean(rows):
            out[i] = np.sort(usual)[:2].mean() / usual.mean()
    return out


def holiday_ratio(daily_mw: ArrayLike, days: NDArray[np.datetime64], holidays: tuple[np.datetime64, ...]) -> Floats:
    """Load of holidays that fall on Monday to Friday over that of the working days within a week. [1] (N,)

    A mine keeps no holidays: 1.0. NaN where no such holiday is in the record.
    """
    daily = np.asarray(daily_mw, np.float64)
    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    off = np.isin(days, np.array(holidays, "datetime64[D]")) & (weekday < 5)
    work = (weekday < 5) & ~off
    ratios = []
    for at in np.flatnonzero(off):
        near = work & (np.abs(np.arange(days.size) - at) <= 7)
        if near.any():
            usual = _mean(daily[:, near])
            ratios.append(daily[:, at] / np.where(usual > 0, usual, np.nan))
    return _mean(np.stack(ratios, axis=1)) if ratios else np.full(len(daily), np.nan)


def missing_share(records: Records, changes: Changes) -> Floats:
    """Share of the feeder's night load that no meter shows before anything changes, technical losses off. [1] (N,)

    Energy balance: (in - sum of meters) / in at 1 to 5 h, median over nights up to the first rise found (the whole
    record where there is none), less 5%. A farm that bypasses its meter shows here; so do street lights without meters,
    meters that report nothing, and ordinary theft. NaN without meters or with fewer than 28 nights.
    """
    out = np.full(len(records.feeders), np.nan)
    if records.metered_mw is None:
        return out
    night = np.flatnonzero((records.hour >= 1) & (records.hour < 5))
    day = records.day[night]
    for i in range(out.size):
        rises = [
            int(changes.day[i, c])
            for c in range(int(changes.count[i]))
            if changes.level_mw[i, c] > 0 and changes.z[i, c] > 2.5
        ]
        use = night[day < min(rises, default=int(day[-1]) + 1)]
        load, shown = records.load_mw[i, use].astype(np.float64), records.metered_mw[i, use]
        there = np.isfinite(load) & np.isfinite(shown) & (load > 0)
        if there.sum() >= 4 * WINDOW_DAYS:
            out[i] = float(np.median((load[there] - shown[there]) / load[there])) - TECHNICAL_LOSS_SHARE
    return out


def step_of(daily_mw: ArrayLike, changes: Changes) -> tuple[Floats, Floats]:
    """Rise of another daily series at each change: median of 28 days after less that before, and its error. (N, M)

    The error takes the days' robust spread with 7 independent days in 28. Days of other changes are left out.
    """
    daily = np.asarray(daily_mw, np.float64)
    N, M = changes.day.shape
    rise, error = np.full((N, M), np.nan), np.full((N, M), np.nan)
    _kernels.step_levels(daily, changes.day, changes.count, WINDOW_DAYS, MARGIN_DAYS // 2, rise, error)
    return rise, error


def ratio_at_steps(daily_mw: ArrayLike, load_daily_mw: ArrayLike, changes: Changes) -> tuple[Floats, Floats]:
    """What another series rises by at each change over what the load rises by, with its error. [1] (N, M)

    Of reactive power this is tan phi of what came: machines' supplies 0.1, motors 0.6. Of the part that no meter shows
    it is the unmetered share. NaN where the load's own rise is under twice its error.
    """
    top, top_error = step_of(daily_mw, changes)
    low, low_error = step_of(load_daily_mw, changes)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = top / low
        error = np.sqrt(top_error**2 + (ratio * low_error) ** 2) / np.abs(low)
    sure = np.abs(low) > 2 * low_error
    return np.where(sure, ratio, np.nan), np.where(sure, error, np.nan)


def event_drop(
    load_mw: NDArray[np.float32], local: Hours, rest: NDArray[np.bool_], start: np.datetime64, end: np.datetime64
) -> tuple[Floats, Floats]:
    """Fall of load in an event against the same hours of like days within four weeks, and its error. [MW] (N,)

    Per hour of the day and kind of day the median outside is compared with the event's hours. A farm falls when its
    coin, its network or its permission does; honest load does not know of the event.

    Parameters
    ----------
    load_mw : ndarray, shape (N, T)
    local : ndarray of datetime64[h], shape (T,)
        Legal time.
    rest : ndarray of bool, shape (T,)
        Whether an hour lies in a day of rest.
    start, end : datetime64
        In legal time; the end is exclusive.
    """
    inside = (local >= start) & (local < end)
    reach = np.timedelta64(24 * WINDOW_DAYS, "h")
    near = (local >= start - reach) & (local < end + reach) & ~inside
    hour = local.astype(np.int64) % 24
    N = len(load_mw)
    usual: dict[tuple[int, bool], tuple[Floats, Floats] | None] = {}
    for h, r in {(int(a), bool(b)) for a, b in zip(hour[inside], rest[inside], strict=True)}:
        like = near & (hour == h) & (rest == r)
        if like.sum() < 4:
            usual[h, r] = None
            continue
        outside = load_mw[:, like].astype(np.float64)
        middle = _median(outside)
        usual[h, r] = middle, 1.4826 * _median(np.abs(outside - middle[:, None]))
    gap, noise = [], []
    for day in np.unique(local[inside].astype("datetime64[D]")):
        parts, spreads = [], []
        for t in np.flatnonzero(inside & (local.astype("datetime64[D]") == day)):
            found = usual[int(hour[t]), bool(rest[t])]
            if found is not None:
                parts.append(found[0] - load_mw[:, t])
                spreads.append(found[1])
        if parts:
            gap.append(_mean(np.stack(parts, axis=1)))
            noise.append(_mean(np.stack(spreads, axis=1)))
    if not gap:
        return np.full(N, np.nan), np.full(N, np.nan)
    independent = max(1.0, len(gap) / 3.0)
    return _mean(np.stack(gap, axis=1)), _mean(np.stack(noise, axis=1)) / np.sqrt(independent) + 1e-6


def hashprice_correlation(
    blocks_mw: NDArray[np.float32], days: NDArray[np.datetime64], hashprice: ArrayLike, changes: Changes
) -> Floats:
    """Rank correlation of the night load's monthly means, changes taken out, with the network's hash price. [1] (N,)

    Weak by nature: machines that earn more than their power costs run flat out whatever the price (Majumder et al.
    2024 find no short-run correlation in Texas); it speaks only where margins are thin. NaN under 9 months.

    Parameters
    ----------
    blocks_mw : ndarray, shape (N, D, K)
    days : ndarray of datetime64[D], shape (D,)
    hashprice : array_like, shape (D,)
        USD per PH/s and day; NaN where unknown.
    changes : Changes
    """
    from scipy.stats import rankdata

    price = np.asarray(hashprice, np.float64)
    month = days.astype("datetime64[M]").astype(np.int64)
    month = month - month.min()
    out = np.full(len(blocks_mw), np.nan)
    for i, rows in enumerate(blocks_mw):
        low = rows[:, :2].mean(axis=1).astype(np.float64)
        for c in range(int(changes.count[i])):
            low[changes.day[i, c] :] -= changes.delta_mw[i, c, 0, :2].mean()
        there = np.isfinite(low) & np.isfinite(price)
        count = np.bincount(month[there], minlength=month.max() + 1)
        full = count >= 14
        if full.sum() < 9:
            continue
        a = np.bincount(month[there], low[there], count.size)[full] / count[full]
        b = np.bincount(month[there], price[there], count.size)[full] / count[full]
        if np.ptp(a) > 0 and np.ptp(b) > 0:
            out[i] = np.corrcoef(rankdata(a), rankdata(b))[0, 1]
    return out


def _mean(rows: ArrayLike) -> Floats:
    """Mean along the last axis of what is there; NaN where nothing is, without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(np.asarray(rows, np.float64), axis=-1))


def _median(rows: ArrayLike) -> Floats:
    """Median along the last axis of what is there; NaN where nothing is."""
    table = np.sort(np.asarray(rows, np.float64), axis=-1)  # NaN goes last
    count = np.isfinite(table).sum(axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    at = np.arange(len(table))
    return np.asarray(np.where(count > 0, 0.5 * (table[at, low] + table[at, high]), np.nan))

"""Geometric, sBG and BdW retention as one likelihood, fitted to many count tables at once.

The BdW of Fader, Hardie, Liu, Davin & Steenburgh (2018, Journal of Interactive Marketing 43,
1–16) is S(t) = B(α, β + t^c)/B(α, β). With c = 1 it is the sBG of Fader & Hardie (2007, Journal
of Interactive Marketing 21, 76–90); when all customers are alike (α, β → ∞) the sBG is geometric.
All three are fitted in the same coordinates, shape (..., 3), in which these limits are ordinary
points:

    logit of the mean churn probability μ = α/(α + β),
    log of the spread between customers ρ = 1/(α + β), −∞ when they are all alike,
    log c.

A customer who entered at e and left at t contributes P(t)/S(e), one still there S(t)/S(e). Both
are products of retention rates, so that the counts enter through the risk sets only:
log L = Σ d log h + (n − d) log(1 − h), h(t) = 1 − S(t)/S(t − 1), n at risk and d churned at t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, expit, gammaln, log_expit, logit, psi

from cxresearch.uncertainty import Floats

MODELS: Mapping[str, tuple[int, ...]] = {"geometric": (0,), "sbg": (0, 1), "bdw": (0, 1, 2)}

LOWEST = np.array([-25.0, np.log(1e-6), -2.0])
HIGHEST = np.array([25.0, np.log(1e6), 2.0])
STARTS = {1: np.log([0.01, 0.1, 0.5, 2.0]), 2: np.log([0.5, 1.0, 2.0])}
LONGEST_STEP = 2.0  # about, in any coordinate
LOOSE = 1e3  # α + β from which customers are nearly alike
LARGE = 100.0  # Stirling's series has all digits from here on
ROUNDS = 200
TINY = 1e-30


class Fit(NamedTuple):
    """Estimates in the coordinates (..., 3), their log-likelihood (...), and whether they settled.

    A coordinate that a model does not have is at its limit: log ρ = −∞, log c = 0.
    """

    coordinates: Floats
    log_likelihood: Floats
    converged: NDArray[np.bool_]


def log_retained(coordinates: Floats, tenure: NDArray[Any]) -> Floats:
    """Return log S at each tenure: (..., 3) and (T,) to (..., T)."""
    mean, a, b, s = _shapes(coordinates)
    x = _stretched(coordinates, tenure)
    # Each form loses its digits where the other keeps them, and only what is kept is computed:
    # reports spend most of their time here.
    found = np.empty(x.shape)
    spread = s[..., 0] < LOOSE
    alike = ~spread
    found[spread] = _loose(a[spread], b[spread], x[spread])
    found[alike] = _tight(mean[alike], b[alike], s[alike], x[alike])
    late = np.isfinite(s) & (s >= LOOSE) & (x > s)
    if late.any():
        a, b = np.broadcast_to(a, x.shape), np.broadcast_to(b, x.shape)
        found[late] = _loose(a[late], b[late], x[late])
    return found


def log_retained_slopes(coordinates: Floats, tenure: NDArray[Any]) -> Floats:
    """Return the derivatives of log S by the coordinates, shape (..., T, 3)."""
    mean, _, b, s = _shapes(coordinates)
    x = _stretched(coordinates, tenure)
    rise, rise_all = _rise(b, x), _rise(s, x)
    with np.errstate(invalid="ignore", over="ignore"):
        growth = np.where(np.isinf(s), log_expit(-mean), psi(b + x) - psi(s + x))
        stretch = x * np.log(np.where(x > 0, x, 1)) * growth
    return np.stack([-expit(mean) * rise, rise_all - rise, stretch], axis=-1)


def log_likelihood(coordinates: Floats, at_risk: Floats, churned: Floats) -> Floats:
    """Return Σ d log h + (n − d) log(1 − h) over tenures 1 to T, which the counts begin with."""
    stay = _log_rates(coordinates, at_risk.shape[-1])
    leave = np.log(np.maximum(-np.expm1(stay), TINY))
    return np.asarray((churned * leave + (at_risk - churned) * stay).sum(axis=-1))


def score(
    coordinates: Floats, at_risk: Floats, churned: Floats, *, stretched: bool = True
) -> tuple[Floats, Floats]:
    """Return the gradient (..., 3) and the expected information (..., 3, 3).

    Where log c is 0 for good (not `stretched`) what belongs to it is left 0.
    """
    length = at_risk.shape[-1]
    stay = _log_rates(coordinates, length)
    leave = np.maximum(-np.expm1(stay), TINY)
    if stretched:
        slopes = np.diff(log_retained_slopes(coordinates, _axis(length)), axis=-2)
    else:
        slopes = _plain_slopes(coordinates, length)
    odds = np.exp(stay) / leave
    gradient = np.einsum("...t,...ti->...i", at_risk - churned - churned * odds, slopes)
    return gradient, np.einsum("...t,...ti,...tj->...ij", at_risk * odds, slopes, slopes)


def fit(model: str, at_risk: Floats, churned: Floats, start: Floats | None = None) -> Fit:
    """Maximise the likelihood of each table.

    Parameters
    ----------
    model
        "geometric", "sbg" or "bdw".
    at_risk, churned
        Counts at tenures 1 to T, shape (B, T).
    start
        Coordinates to begin from, shape (3,) or (B, 3); without it several are tried and the
        best end is kept.
    """
    n, d = np.asarray(at_risk, dtype=float), np.asarray(churned, dtype=float)
    if start is not None:
        return _climb(model, np.broadcast_to(start, (len(n), 3)).copy(), n, d)
    grid = _starts(model, n, d)
    many = (np.tile(counts, (len(grid), 1)) for counts in (n, d))
    ends = _climb(model, grid.reshape(-1, 3), *many)
    best = ends.log_likelihood.reshape(len(grid), -1).argmax(axis=0) * len(n) + np.arange(len(n))
    return Fit(*(part[best] for part in ends))


def information(model: str, end: Fit, at_risk: Floats, churned: Floats) -> Floats:
    """Return the observed information in the model's own coordinates, shape (B, k, k).

    Minus the second derivatives of the log-likelihood, from central differences of the score.
    """
    own, step = list(MODELS[model]), 1e-4
    columns = []
    for j in own:
        shift = np.zeros(3)
        shift[j] = step
        ahead, behind = (
            score(end.coordinates + sign * shift, at_risk, churned)[0][:, own] for sign in (1, -1)
        )
        columns.append((behind - ahead) / (2 * step))
    matrix = np.stack(columns, axis=-1)
    return np.asarray((matrix + np.swapaxes(matrix, -1, -2)) / 2)


def at_edge(coordinates: Floats) -> NDArray[np.bool_]:
    """Return which coordinates are at the edge of what is searched, shape (..., 3)."""
    return np.asarray((coordinates <= LOWEST + 1e-9) | (coordinates >= HIGHEST - 1e-9))


def links(model: str, coordinates: Floats) -> dict[str, Floats]:
    """Return the parameters by name on a scale without bounds: logit theta, log of the others."""
    mean, spread, shape = np.moveaxis(coordinates, -1, 0)
    if model == "geometric":
        return {"theta": mean}
    spread = np.maximum(spread, LOWEST[1])
    found = {"alpha": log_expit(mean) - spread, "beta": log_expit(-mean) - spread}
    return found | ({"c": shape} if model == "bdw" else {})


def _climb(model: str, at: Floats, n: Floats, d: Floats) -> Fit:
    """Scoring with halved steps; a coordinate at its edge rests while it points outwards."""
    at = np.clip(at, LOWEST, HIGHEST)
    fixed = np.array([j not in MODELS[model] for j in range(3)])
    at[:, fixed] = np.array([0.0, -np.inf, 0.0])[fixed]
    value = log_likelihood(at, n, d)
    gains = np.zeros(len(at))
    left = np.arange(len(at))  # tables that have not settled yet
    for _ in range(ROUNDS):
        step, gains[left] = _step(at[left], n[left], d[left], fixed)
        waiting = gains[left] > 1e-10
        left, step = left[waiting], step[waiting]
        if not left.size:
            break
        at[left], value[left], stuck = _advance(at[left], value[left], step, (n[left], d[left]))
        left = left[~stuck]
    return Fit(*_snapped(at, value, n, d), gains < 1e-4)


def _snapped(at: Floats, value: Floats, n: Floats, d: Floats) -> tuple[Floats, NDArray[Any]]:
    """Put customers who are as good as alike to exactly alike, where that is as likely."""
    alike = at.copy()
    alike[:, 1] = np.where(at[:, 1] <= LOWEST[1], -np.inf, at[:, 1])
    found = log_likelihood(alike, n, d)
    same = found >= value - 1e-3
    at[same], value[same] = alike[same], found[same]
    return at, value


def _step(
    at: Floats, n: Floats, d: Floats, fixed: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any]]:
    gradient, matrix = score(at, n, d, stretched=not fixed[2])
    out = ((at <= LOWEST) & (gradient <= 0)) | ((at >= HIGHEST) & (gradient >= 0)) | fixed
    gradient = np.where(out, 0, gradient)
    matrix = np.where(out[..., None] | out[..., None, :], 0, matrix)
    size = np.einsum("...ii->...i", matrix)
    # Damped by the gradient, no step is far longer than LONGEST_STEP, and near the top, where the
    # gradient is 0, none is damped. A unit pivot keeps a resting coordinate at rest.
    damping = np.where(out, 1.0, np.abs(gradient) / LONGEST_STEP + 1e-9 * size + 1e-15)
    step = np.linalg.solve(matrix + damping[..., None] * np.eye(3), gradient[..., None])[..., 0]
    return step, (step * gradient).sum(axis=-1)


def _advance(
    at: Floats, value: Floats, step: Floats, counts: tuple[Floats, Floats]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return where a step, halved until it does not lose, leads to, and who cannot move."""
    waiting = np.ones(len(at), dtype=bool)
    moved, better = at.copy(), value.copy()
    for _ in range(30):
        tried = np.clip(at[waiting] + step[waiting], LOWEST, HIGHEST)
        tried[:, np.isinf(at[0])] = -np.inf
        found = log_likelihood(tried, counts[0][waiting], counts[1][waiting])
        good = found >= value[waiting]
        index = np.flatnonzero(waiting)[good]
        moved[index], better[index] = tried[good], found[good]
        waiting[index] = False
        if not waiting.any():
            break
        step = step / 2
    return moved, better, waiting


def _starts(model: str, n: Floats, d: Floats) -> Floats:
    """Return several coordinates to begin from for each table, shape (starts, B, 3)."""
    share = d.sum(axis=-1) / np.maximum(n.sum(axis=-1), TINY)
    first = logit(np.clip(share, 1e-6, 1 - 1e-6))
    spreads = STARTS[1] if 1 in MODELS[model] else [-np.inf]
    shapes = STARTS[2] if 2 in MODELS[model] else [0.0]
    places = [(spread, shape) for spread in spreads for shape in shapes]
    return np.stack([np.stack(np.broadcast_arrays(first, *at), axis=-1) for at in places])


def _log_rates(coordinates: Floats, length: int) -> Floats:
    """Return log r(t) = log S(t) − log S(t − 1) for t = 1 to `length`.

    With c = 1 it is −log(1 + μ/(1 − μ + ρ(t − 1))): nothing cancels, and nothing is infinite.
    """
    plain = coordinates[..., 2] == 0
    found = np.empty((*plain.shape, length))
    found[~plain] = np.diff(log_retained(coordinates[~plain], _axis(length)), axis=-1)
    mean, earlier = coordinates[plain][:, :1], _earlier(coordinates[plain], length)
    found[plain] = -np.log1p(expit(mean) / (expit(-mean) + earlier))
    return np.minimum(found, 0.0)


def _plain_slopes(coordinates: Floats, length: int) -> Floats:
    """Return the derivatives of log r by the coordinates where c = 1, shape (..., T, 3)."""
    mean, earlier = coordinates[..., :1], _earlier(coordinates, length)
    stay = expit(-mean) + earlier
    by_mean = -expit(mean) * expit(-mean) / stay
    by_spread = earlier * expit(mean) / (stay * (1 + earlier))
    return np.stack([by_mean, by_spread, np.zeros_like(earlier)], axis=-1)


def _earlier(coordinates: Floats, length: int) -> Floats:
    """Return ρ(t − 1) for t = 1 to `length`."""
    return np.asarray(np.exp(coordinates[..., 1:2]) * np.arange(length))


def _axis(length: int) -> Floats:
    return np.arange(length + 1.0)


def _shapes(coordinates: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return logit μ, α, β and α + β, each with a last axis for tenures; infinite when alike."""
    mean, spread = coordinates[..., :1], coordinates[..., 1:2]
    a, b = np.exp(log_expit(mean) - spread), np.exp(log_expit(-mean) - spread)
    return mean, a, b, np.exp(-spread)


def _stretched(coordinates: Floats, tenure: NDArray[Any]) -> Floats:
    return np.asarray(np.asarray(tenure, dtype=float) ** np.exp(coordinates[..., 2:3]))


def _loose(a: Floats, b: Floats, x: Floats) -> Floats:
    """Return log S of customers who differ, as a difference of log Β."""
    return np.asarray(betaln(a, b + x) - betaln(a, b))


def _tight(mean: Floats, b: Floats, s: Floats, x: Floats) -> Floats:
    """Return log S of customers who are nearly alike, as what it exceeds the geometric by."""
    return np.asarray(x * log_expit(-mean) + _excess(b, x) - _excess(s, x))


def _excess(b: Floats, x: Floats) -> Floats:
    """Return log Γ(b + x) − log Γ(b) − x log b, of (..., 1) and (..., T); 0 for infinite b."""

    def small(b: Floats, x: Floats) -> Floats:
        return np.asarray(gammaln(b + x) - gammaln(b) - x * np.log(b))

    def large(b: Floats, x: Floats) -> Floats:
        end = b + x
        series = (1 / end - 1 / b) / 12 - (end**-3.0 - b**-3.0) / 360
        return np.asarray((end - 0.5) * np.log1p(x / b) - x + series)

    return _by_size(b, x, (small, large, lambda b, x: np.zeros(x.shape)))


def _rise(b: Floats, x: Floats) -> Floats:
    """Return b(ψ(b + x) − ψ(b)), of (..., 1) and (..., T); x for infinite b."""

    def small(b: Floats, x: Floats) -> Floats:
        return np.asarray(b * (psi(b + x) - psi(b)))

    def large(b: Floats, x: Floats) -> Floats:
        end = b + x
        series = (1 / b - 1 / end) / 2 + (b**-2.0 - end**-2.0) / 12
        return np.asarray(b * (np.log1p(x / b) + series - (b**-4.0 - end**-4.0) / 120))

    return _by_size(b, x, (small, large, lambda b, x: x))


def _by_size(b: Floats, x: Floats, forms: Sequence[Callable[[Floats, Floats], Floats]]) -> Floats:
    """Apply to each row its form: for a small `b`, for a large one, and for an infinite one."""
    found = np.empty(x.shape)
    size = np.digitize(b[..., 0], [LARGE, np.inf])
    for which, form in enumerate(forms):
        rows = size == which
        if rows.any():
            found[rows] = form(b[rows], x[rows])
    return found

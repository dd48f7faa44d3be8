"""How often intervals hold the truth, and how often p-values cry wolf, in simulations whose truth is known.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py       # writes docs/results/coverage.json, ten minutes of a core

Every interval and p-value that a command shows is here, in sizes that experiments have and in some that are too small:
``holds`` says of which it is claimed that a 95 % interval holds the truth in 93 to 97 of 100 experiments, and that a
p-value is below .05 in at most 7 of 100 where there is nothing to be found. Values of prompts are skewed as likelihoods
are, or lie in [0, 1] as coherence does; prompts of one document correlate by .1. The table is in docs/statistics.md.
tests/fitness/statistics/test_coverage.py runs the same with fewer repetitions.
"""

from __future__ import annotations

import argparse
import math
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from fitness.coherence.agent import level, levels
from fitness.statistics import (
    SIGNIFICANT,
    Figure,
    Floats,
    GroupedBootstrap,
    Interval,
    Sample,
    bootstrap_difference,
    bootstrap_interval,
    concordant_pairs,
    correlation,
    crossed_interval,
    crossed_p_value,
    difference_of_independent,
    holm_correction,
    mean,
    rank_correlation,
    sign_flip_p_value,
    swap_p_value,
    t_interval,
    unpaired_comparison,
    wilson_interval,
)

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "coverage.json"
COLUMNS = {"": "", "of": "", "size": "", "nominal": ".2f", "measured": ".3f", "repetitions": ".0f", "claimed": ""}
LOW, HIGH = 0.93, 0.97
HIGHEST_ERROR = 0.07

Rng = np.random.Generator
Trial = Callable[[Rng, int], bool]
"""One experiment: of a source of chance and a number of resamples, whether the interval holds the truth or p < .05."""


@dataclass(frozen=True)
class Case:
    """One kind of interval or p-value at one size.

    Attributes:
        name: What it is about.
        size: How much there is of it.
        trial: One experiment.
        is_interval: Whether .95 should hold the truth, or .05 should be found though there is nothing.
        holds: Whether it is claimed to.
        cost: Repetitions are divided by it.
    """

    name: str
    size: str
    trial: Trial
    is_interval: bool = True
    holds: bool = True
    cost: int = 1

    def rate(self, repetitions: int, resamples: int) -> float:
        """How often ``trial`` says yes."""
        rng = np.random.default_rng(zlib.crc32(f"{self.name}, {self.size}".encode()))
        return sum(self.trial(rng, resamples) for _ in range(repetitions)) / repetitions


def cases() -> list[Case]:
    """Intervals, then p-values."""
    return [*_intervals(), *_p_values()]


def _intervals() -> Iterator[Case]:
    for size in (20, 40, 64, 90, 402):  # Twenty values with a long tail do not show how long it is.
        yield Case("mean over prompts", f"{size} prompts", _mean(size), holds=size > 20)
    for size in (20, 64, 402):
        yield Case("paired difference over prompts", f"{size} prompts", _difference(size, mean))
    for size in (20, 64, 90, 402):
        yield Case("coherence over prompts", f"{size} prompts of 4 answers", _coherence(size))
    for size in (20, 64, 402):
        yield Case("paired difference in coherence", f"{size} prompts of 4 answers", _difference(size, levels), cost=2)
    for documents, each in ((12, 16), (25, 16), (50, 8), (100, 4)):
        size = f"{documents} documents of {each} prompts"
        yield Case("mean over documents", size, _documents(documents, each), cost=1 if documents == 12 else 2)
    yield Case("mean, documents overlooked", "25 documents of 16 prompts", _overlooked(25, 16), holds=False, cost=4)
    for seeds in (3, 5, 10):
        yield Case("mean over seeds (t)", f"{seeds} seeds", _seeds(seeds))
    for seeds, spread in ((3, 0.05), (5, 0.05), (3, 0.2), (5, 0.2), (10, 0.2), (3, 1.0), (5, 0.0)):
        size = f"{seeds} seeds of spread {spread:g}, 402 prompts"
        yield Case("difference over seeds and prompts", size, _crossed(seeds, spread), cost=4)
    for births in (20, 100):
        yield Case("share (Wilson)", f"{births} births", _share(births))
    yield Case("difference on other prompts", "90 and 90 prompts", _unpaired_interval(90, 90))
    yield Case("difference on other prompts", "64 and 402 prompts", _unpaired_interval(64, 402), cost=4)
    yield Case("difference of two intervals", "90 and 90 prompts", _difference_of_intervals(90))
    contexts = "100 contexts of 4 replies"
    of_ranks = 6 / math.pi * math.asin(0.25)
    yield Case("correlation with ratings", contexts, _agreement(correlation, 0.5), cost=4)
    yield Case("rank correlation with ratings", contexts, _agreement(rank_correlation, of_ranks), cost=10)
    yield Case("pairs in the order of ratings", contexts, _pairs, cost=4)


def _p_values() -> Iterator[Case]:
    for size in (20, 402):
        yield _p_value("swaps over prompts", f"{size} prompts", _swaps(size, mean), cost=1 if size == 20 else 4)
        yield _p_value("swaps over prompts, coherence", f"{size} prompts of 4 answers", _swaps(size, levels), cost=8)
    yield _p_value("swaps, coherence of unlike answers", "402 prompts of 4 answers", _swaps_of_unlike(402), cost=2)
    yield _p_value("swaps over documents", "25 documents of 16 prompts", _flips_of_documents(25, 16), cost=4)
    overlooked = _flips_of_documents(25, 16, are_overlooked=True)
    yield _p_value("swaps, documents overlooked", "25 documents of 16 prompts", overlooked, holds=False, cost=4)
    yield _p_value("sign flips over seeds", "9 seeds", _flips_of_seeds(9))
    yield _p_value("sign flips over seeds and swaps over prompts", "9 seeds, 90 prompts", _crossed_p(9, 1.0), cost=20)
    yield _p_value("any row after Holm", "8 rows, 90 prompts", _holm(8, 90), cost=8)
    yield _p_value("Welch's test of other prompts", "90 and 90 prompts", _unpaired_p(90, 90, 1.0))
    yield _p_value("Welch's test of other prompts", "64 and 402 prompts", _unpaired_p(64, 402, 1.0), cost=4)
    unequal = _unpaired_p(64, 402, 1.5)
    yield _p_value("Welch's test, the fewer prompts spread wider", "64 and 402 prompts", unequal, cost=4)


def _p_value(name: str, size: str, trial: Trial, *, holds: bool = True, cost: int = 1) -> Case:
    return Case(name, size, trial, is_interval=False, holds=holds, cost=cost)


def _skewed(rng: Rng, *shape: int) -> Floats:
    """Of mean 0, with a long tail to the right."""
    return rng.lognormal(0.0, 0.5, shape) - math.exp(0.125)


def _in_documents(rng: Rng, documents: int, each: int) -> tuple[Floats, list[int]]:
    """Values of mean 0 and variance 1, of which a tenth is the document's, and the document of each."""
    values = math.sqrt(0.1) * rng.normal(size=(documents, 1)) + math.sqrt(0.9) * rng.normal(size=(documents, each))
    return values.ravel(), [place // each for place in range(documents * each)]


def _answers(rng: Rng, prompts: Floats, *, answers: int = 4, shift: float = -0.4, width: float = 1.0) -> Floats:
    """Scores in [0, 1] of some answers to each prompt, of which the answer decides four fifths: [answers, prompts]."""
    drawn = math.sqrt(0.2) * prompts + math.sqrt(0.8) * rng.normal(size=(answers, len(prompts)))
    return np.asarray(1 / (1 + np.exp(-shift - width * drawn)))


@cache
def _true_level() -> float:
    rng = np.random.default_rng(0)
    return level(_answers(rng, rng.normal(size=4_000_000), answers=1)[0].tolist())


@cache
def _shift_of_even() -> float:
    """The shift with which answers of half the width have the same agent-level score."""
    from scipy.optimize import brentq

    prompts = np.random.default_rng(1).normal(size=1_000_000)

    def excess(shift: float) -> float:
        values = _answers(np.random.default_rng(2), prompts, answers=1, shift=shift, width=0.5)[0]
        return level(values.tolist()) - _true_level()

    return float(brentq(excess, -1.0, 0.5, xtol=1e-4))


def _seed(rng: Rng) -> int:
    return int(rng.integers(2**31))


def _holds(interval: Interval | None, truth: float = 0.0) -> bool:
    return interval is not None and interval.low <= truth <= interval.high


def _mean(size: int) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        return _holds(bootstrap_interval(Sample.independent(_skewed(rng, size)), resamples=resamples, seed=_seed(rng)))

    return trial


def _coherence(size: int) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        sample = Sample.independent(_answers(rng, rng.normal(size=size)), figure=levels)
        return _holds(bootstrap_interval(sample, resamples=resamples, seed=_seed(rng)), _true_level())

    return trial


def _two(rng: Rng, size: int, figure: Figure) -> tuple[Sample, Sample]:
    """Two equally good compositions on the same prompts."""
    if figure is levels:
        prompts = rng.normal(size=size)
        return (
            Sample.independent(_answers(rng, prompts), figure=figure),
            Sample.independent(_answers(rng, prompts), figure=figure),
        )
    prompts, first, second = _skewed(rng, 3, size)
    return Sample.independent(prompts + first), Sample.independent(prompts + second)


def _difference(size: int, figure: Figure) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        return _holds(bootstrap_difference(*_two(rng, size, figure), resamples=resamples, seed=_seed(rng)))

    return trial


def _swaps(size: int, figure: Figure) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        return swap_p_value(*_two(rng, size, figure), resamples=resamples, seed=_seed(rng)) < SIGNIFICANT

    return trial


def _swaps_of_unlike(size: int) -> Trial:
    """One composition is even, the other now good and now bad, and the agent-level score of both is the same."""

    def trial(rng: Rng, resamples: int) -> bool:
        prompts = rng.normal(size=size)
        even = _answers(rng, prompts, shift=_shift_of_even(), width=0.5)
        both = Sample.independent(_answers(rng, prompts), figure=levels), Sample.independent(even, figure=levels)
        return swap_p_value(*both, resamples=resamples, seed=_seed(rng)) < SIGNIFICANT

    return trial


def _documents(documents: int, each: int) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        sample = Sample.grouped(*_in_documents(rng, documents, each))
        return _holds(bootstrap_interval(sample, resamples=resamples, seed=_seed(rng)))

    return trial


def _overlooked(documents: int, each: int) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        values, _ = _in_documents(rng, documents, each)
        return _holds(bootstrap_interval(Sample.independent(values), resamples=resamples, seed=_seed(rng)))

    return trial


def _table(rng: Rng, seeds: int, spread: float, *, prompts: int) -> tuple[Sample, Sample]:
    """Two methods of equal means by seed and prompt; their differences spread by .85 over prompts, .7 in cells."""
    common, of_first, of_second = _skewed(rng, 3, prompts)
    of_seeds = spread * rng.normal(size=(seeds, 1))
    first = common + of_first + of_seeds + 0.7 * rng.normal(size=(seeds, prompts))
    return Sample.independent(first), Sample.independent(np.broadcast_to(common + of_second, (seeds, prompts)))


def _seeds(count: int) -> Trial:
    return lambda rng, _: _holds(t_interval(rng.normal(size=count)))


def _crossed(seeds: int, spread: float) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        both = _table(rng, seeds, spread, prompts=402)
        return _holds(crossed_interval(*both, resamples=resamples, seed=_seed(rng)))

    return trial


def _crossed_p(seeds: int, spread: float) -> Trial:
    return lambda rng, _: crossed_p_value(*_table(rng, seeds, spread, prompts=90), seed=_seed(rng)) < SIGNIFICANT


def _share(births: int) -> Trial:
    def trial(rng: Rng, _: int) -> bool:
        share = rng.uniform(0.05, 0.95)
        return _holds(wilson_interval(int(rng.binomial(births, share)), births), share)

    return trial


def _independent(rng: Rng, first: int, second: int, *, width: float = 1.0) -> tuple[Sample, Sample]:
    return Sample.independent(width * _skewed(rng, first)), Sample.independent(_skewed(rng, second))


def _unpaired_interval(first: int, second: int) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        both = _independent(rng, first, second)
        return _holds(unpaired_comparison(*both, resamples=resamples, seed=_seed(rng))[0])

    return trial


def _unpaired_p(first: int, second: int, width: float) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        both = _independent(rng, first, second, width=width)
        return unpaired_comparison(*both, resamples=resamples, seed=_seed(rng))[1] < SIGNIFICANT

    return trial


def _difference_of_intervals(size: int) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        first, second = (
            bootstrap_interval(one, resamples=resamples, seed=_seed(rng)) for one in _independent(rng, size, size)
        )
        return _holds(difference_of_independent(first, second))

    return trial


def _rated(rng: Rng) -> tuple[Floats, Floats, list[int]]:
    """Ratings and scores of replies that correlate by .5, and their contexts, which share three tenths of either."""
    contexts, replies = rng.normal(size=(2, 100, 1)), rng.normal(size=(2, 100, 4))
    ratings, others = (math.sqrt(0.3) * contexts + math.sqrt(0.7) * replies).reshape(2, 400)
    return ratings, 0.5 * ratings + math.sqrt(0.75) * others, [place // 4 for place in range(400)]


def _agreement(statistic: Callable[[Floats, Floats], float], truth: float) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        ratings, scores, contexts = _rated(rng)
        drawn = GroupedBootstrap(contexts, resamples=resamples, seed=_seed(rng))
        return _holds(drawn.correlation_interval(statistic, ratings, scores), truth)

    return trial


def _pairs(rng: Rng, resamples: int) -> bool:
    ratings, scores, contexts = _rated(rng)
    drawn = GroupedBootstrap(contexts, resamples=resamples, seed=_seed(rng))
    return _holds(drawn.share_interval(concordant_pairs, ratings, scores), 0.5 + math.asin(0.5) / math.pi)


def _flips_of_documents(documents: int, each: int, *, are_overlooked: bool = False) -> Trial:
    def trial(rng: Rng, resamples: int) -> bool:
        values, of_documents = _in_documents(rng, documents, each)
        sample = Sample.independent(values) if are_overlooked else Sample.grouped(values, of_documents)
        return sign_flip_p_value(sample, resamples=resamples, seed=_seed(rng)) < SIGNIFICANT

    return trial


def _flips_of_seeds(seeds: int) -> Trial:
    return lambda rng, resamples: (
        sign_flip_p_value(Sample.independent(rng.normal(size=seeds)), resamples=resamples) < SIGNIFICANT
    )


def _holm(rows: int, size: int) -> Trial:
    """Rows against one winner, so that their differences depend on each other as those of a final comparison do."""

    def trial(rng: Rng, resamples: int) -> bool:
        winner, *others = (Sample.independent(values) for values in _skewed(rng, rows + 1, size))
        p_values = [swap_p_value(winner, other, resamples=resamples, seed=_seed(rng)) for other in others]
        return min(holm_correction(p_values)) < SIGNIFICANT

    return trial


def main() -> None:
    """See the module."""
    from results import record  # Beside this file, which tests import from elsewhere.

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=4000)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    rows: list[list[str | float]] = []
    for case in cases():
        started, repetitions = time.perf_counter(), arguments.repetitions // case.cost
        rate = case.rate(repetitions, arguments.resamples)
        kind, nominal = ("interval", 0.95) if case.is_interval else ("p-value", 0.05)
        rows.append([kind, case.name, case.size, nominal, rate, repetitions, "yes" if case.holds else "no"])
        print(f"| {case.name} | {case.size} | {rate:.3f} |  {time.perf_counter() - started:.0f} s", flush=True)
    command = f"python benchmarks/coverage.py --repetitions {arguments.repetitions} --resamples {arguments.resamples}"
    record("coverage", command=command, columns=COLUMNS, rows=rows)


if __name__ == "__main__":
    main()

"""All intervals and p-values of the project, and how they are written for people. Functions of numbers and a seed.

The unit of resampling is the prompt (or the episode): several answers to one prompt are averaged before they come here.
Every interval is a two-sided 95 % interval, and equal seeds give equal numbers.

samples.py        checks and draws that bootstrap.py and significance.py share
interval.py       ``Interval``: an estimate with its two ends
bootstrap.py      intervals by drawing anew: of a mean, a paired difference, a table of seeds by prompts, groups of rows
formulas.py       intervals by formula: of a share, and of the difference of two intervals
agreement.py      how far two rows of numbers go together
significance.py   p-values, their correction for many tests, and when a difference is called one
evaluations.py    the interval of one measure of an ``Evaluation``
wording.py        how intervals, p-values and numbers are written
"""

from fitness.statistics.agreement import concordant_pairs, correlation, rank_correlation
from fitness.statistics.bootstrap import GroupedBootstrap, bootstrap_difference, bootstrap_mean, crossed_bootstrap
from fitness.statistics.evaluations import interval_of, values_of
from fitness.statistics.formulas import difference_of_independent, wilson_interval
from fitness.statistics.interval import Interval
from fitness.statistics.significance import (
    crossed_p_value,
    holm_correction,
    is_significant,
    sign_flip_p_value,
    unpaired_comparison,
)
from fitness.statistics.wording import bounds_text, interval_columns, interval_text, number_text, p_value_text

__all__ = [
    "GroupedBootstrap",
    "Interval",
    "bootstrap_difference",
    "bootstrap_mean",
    "bounds_text",
    "concordant_pairs",
    "correlation",
    "crossed_bootstrap",
    "crossed_p_value",
    "difference_of_independent",
    "holm_correction",
    "interval_columns",
    "interval_of",
    "interval_text",
    "is_significant",
    "number_text",
    "p_value_text",
    "rank_correlation",
    "sign_flip_p_value",
    "unpaired_comparison",
    "values_of",
    "wilson_interval",
]

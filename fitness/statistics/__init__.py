"""All intervals and p-values of the project, and how they are written for people. Functions of numbers and a seed.

What is drawn anew is the group: the document that prompts were cut from, or the episode. Whoever wants an interval over
prompts makes a ``Sample``, which holds the groups. Every interval is a two-sided 95 % interval, and equal seeds give
equal numbers. docs/statistics.md says how often each of them is right.

sample.py         ``Sample``: numbers with their groups, and the figure that is made of them
interval.py       ``Interval``: an estimate with its two ends
resampling.py     draws of whole groups
bootstrap.py      intervals by drawing anew: of a figure, of a paired or unpaired difference, of two rows of numbers
seeds.py          intervals and p-values over the seeds of searches
formulas.py       intervals by formula: of a share, and of the difference of two intervals
agreement.py      how far two rows of numbers go together
significance.py   p-values, their correction for many tests, and when a difference is called one
wording.py        how intervals, p-values and numbers are written
"""

from fitness.statistics.agreement import concordant_pairs, correlation, rank_correlation
from fitness.statistics.bootstrap import (
    GroupedBootstrap,
    bootstrap_difference,
    bootstrap_interval,
    unpaired_comparison,
)
from fitness.statistics.formulas import difference_of_independent, wilson_interval
from fitness.statistics.interval import Interval
from fitness.statistics.sample import Figure, Floats, Sample, mean
from fitness.statistics.seeds import crossed_interval, crossed_p_value, seeds_needed, t_interval
from fitness.statistics.significance import (
    SIGNIFICANT,
    holm_correction,
    is_significant,
    sign_flip_p_value,
    swap_p_value,
)
from fitness.statistics.wording import (
    bounds_text,
    count_text,
    interval_columns,
    interval_text,
    number_text,
    p_value_text,
)

__all__ = [
    "SIGNIFICANT",
    "Figure",
    "Floats",
    "GroupedBootstrap",
    "Interval",
    "Sample",
    "bootstrap_difference",
    "bootstrap_interval",
    "bounds_text",
    "concordant_pairs",
    "correlation",
    "count_text",
    "crossed_interval",
    "crossed_p_value",
    "difference_of_independent",
    "holm_correction",
    "interval_columns",
    "interval_text",
    "is_significant",
    "mean",
    "number_text",
    "p_value_text",
    "rank_correlation",
    "seeds_needed",
    "sign_flip_p_value",
    "swap_p_value",
    "t_interval",
    "unpaired_comparison",
    "wilson_interval",
]

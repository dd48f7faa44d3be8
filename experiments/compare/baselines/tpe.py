"""Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

import math
import warnings
from types import ModuleType

from evolve.seeding import integer_seed
from experiments.compare.baselines.base import Baseline
from experiments.compare.baselines.flat_space import founder_choices, genome_of
from experiments.compare.bench import Bench


class Tpe(Baseline):
    """TPE (Bergstra et al. 2011, "Algorithms for hyper-parameter optimization") as Optuna ships it, on a flat space.

    Multivariate, with groups, since most parameters exist under some choices only. It starts from the founders that the
    flat space has (flat_space.py), which the others start from too. Repeated proposals get the known value. Under noise
    as many trials are asked for at a time as genomes of a search answer together.
    """

    name = "tpe"
    label = "TPE (Optuna)"

    def search(self, bench: Bench) -> None:
        """See the base class."""
        optuna = _optuna()
        with warnings.catch_warnings():
            # Groups are called experimental, and are what makes conditional parameters work.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # Trials of one batch know nothing of each other's values, and are kept apart by a liar.
            sampler = optuna.samplers.TPESampler(
                seed=integer_seed(bench.seed, "tpe") % 2**32, multivariate=True, group=True, constant_liar=True
            )
        study = optuna.create_study(sampler=sampler, direction="minimize")
        for choices in founder_choices(bench.task.space):
            study.enqueue_trial(choices)
        size = bench.search.batch if bench.task.is_noisy else 1
        while True:
            trials = [study.ask() for _ in range(size)]
            losses = bench.losses([genome_of(trial, bench.task.space) for trial in trials])
            for trial, loss in zip(trials, losses, strict=True):
                if math.isfinite(loss):
                    study.tell(trial, loss)
                else:
                    study.tell(trial, state=optuna.trial.TrialState.FAIL)


def _optuna() -> ModuleType:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The baseline 'tpe' needs Optuna: pip install 'composite-evolve[compare]', or leave it out of --baselines."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna

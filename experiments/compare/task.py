"""What all methods of a comparison are scored by: one space, one evaluator, one leading objective.

Which evaluator that is follows from the objective; how methods search is told in baselines/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from experiments.problems.compositions.evaluator import CompositionEvaluatorFactory
from experiments.problems.compositions.likelihood import LikelihoodEvaluatorFactory
from experiments.problems.compositions.prepared import PreparedCompositions
from fitness.objectives import OBJECTIVES
from fitness.result import Objective
from genomes.breeding.space import CompositionSpace
from genomes.members.catalogue import MemberCatalogue
from genomes.members.store import Store
from genomes.methods.ranges import Choice, Real

Comparable = Literal["nll", "coherence"]
COMPARABLE: tuple[Comparable, ...] = get_args(Comparable)

SECOND_OBJECTIVE = "active_parameters"
"""Measured beside the leading objective, for methods that need two."""


@dataclass(frozen=True)
class Task:
    """What is searched, and how it is scored.

    Attributes:
        space: The genomes.
        factory: Makes the evaluator; its objectives are the leading one and ``SECOND_OBJECTIVE``.
        num_windows: Replicates that read a panel once, for ``validation`` and ``test``.
        is_noisy: Whether another replicate of an evaluation gives another value.
    """

    space: CompositionSpace
    factory: CompositionEvaluatorFactory | LikelihoodEvaluatorFactory
    num_windows: Mapping[str, int]
    is_noisy: bool

    @property
    def objective(self) -> Objective:
        """What is compared."""
        return self.factory.objectives[0]

    @property
    def num_validation_draws(self) -> float:
        """As many prompts as how many evaluations of a race the validation panel has; 1 where nobody races."""
        return self.factory.num_validation_draws if isinstance(self.factory, CompositionEvaluatorFactory) else 1.0

    def stage_objectives(self, panel: str) -> Sequence[Objective]:
        """What evaluations on the panel of a stage hold; only searches under noise have stages."""
        return self.factory.stage_objectives(panel) if isinstance(self.factory, CompositionEvaluatorFactory) else ()

    @property
    def catalogue(self) -> MemberCatalogue:
        """The members."""
        return self.factory.catalogue

    def on_member(self, name: str, directory: Path) -> Task:
        """The same task for one other member, which is all of its space."""
        catalogue = MemberCatalogue({name: directory})
        space = replace(self.space, members=catalogue.infos())
        return replace(self, space=space, factory=replace(self.factory, catalogue=catalogue, space=space))


def make_task(prepared: PreparedCompositions, objective: str, *, store: Store) -> Task:
    """The task of an experiment.

    ``nll``: nats per token of the human replies of the whole search panel, from kept member outputs; the answer's
    decoding settings do not enter and are fixed. ``coherence``: sampled answers to ``fitness.prompts_per_evaluation``
    prompts, scored as in a run.

    Args:
        prepared: The experiment.
        objective: One of ``COMPARABLE``.
        store: Where member outputs are kept.

    Raises:
        ValueError: The objective is another one.
    """
    if objective not in COMPARABLE:
        raise ValueError(f"--objective is {objective!r}; allowed are {', '.join(COMPARABLE)}.")
    if objective == "coherence":
        operators = OBJECTIVES["coherence"], OBJECTIVES[SECOND_OBJECTIVE]
        factory = replace(prepared.factory, operators=operators)
        windows = {panel: factory.num_windows(panel) for panel in ("validation", "test")}
        return Task(prepared.space, factory, windows, is_noisy=True)
    space = replace(
        prepared.space,
        response_temperature=Real(1.0, 1.0, 1.0),
        response_top_k=Choice((0,)),
        response_top_p=Real(1.0, 1.0, 1.0),
    )
    likelihoods = LikelihoodEvaluatorFactory(
        catalogue=prepared.catalogue, space=space, panels=prepared.factory.panels, store_root=store.root
    )
    return Task(space, likelihoods, {"validation": 1, "test": 1}, is_noisy=False)

"""What a unified model kept: composition, unified model and best member on the same prompts, and signs of overfitting.

All three answer with the composition's decoding settings and the same seeds, so differences are paired over prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from experiments.corpora.panels import panel_of
from experiments.problems.compositions.evaluator import CompositionEvaluator, CompositionEvaluatorFactory
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.unify.modules import marked_modules, played_roles
from fitness.objectives import OBJECTIVES, ObjectiveOperator
from fitness.panels import interval_of, joined, sample_of
from fitness.result import Evaluation
from fitness.statistics import Interval, bootstrap_difference, difference_of_independent
from genomes.graph.genome import Genome
from genomes.graph.nodes import Edge, MemberNode, Node, PromptNode, ResponseNode
from genomes.members.catalogue import MemberCatalogue

UNIFIED = "unified"
"""The name that the unified model has among the members while it is scored."""

_NLL = OBJECTIVES["nll"]
_OPERATORS = [OBJECTIVES["coherence"], _NLL, OBJECTIVES["active_parameters"]]


@dataclass(frozen=True, slots=True)
class UnifiedRow:
    """One line of the report.

    Attributes:
        label: Who: ``"composite"``, ``"unified"`` or ``"best member (...)"``.
        num_parameters: Parameters run per generated token.
        coherence: Agent-level score on the test prompts, in [0, 1], higher is better.
        nll: Nats per token of the human replies to the test prompts, lower is better.
        coherence_kept: Coherence minus the composite's, paired over prompts; None in its own row.
        nll_lost: NLL minus the composite's, paired over prompts; None in its own row.
        nll_train: NLL of human replies of the training split.
        nll_validation: NLL of those of the validation split.
        gap: ``nll_validation`` minus ``nll_train``; what is learnt by heart makes it larger.
    """

    label: str
    num_parameters: float
    coherence: Interval
    nll: Interval
    coherence_kept: Interval | None
    nll_lost: Interval | None
    nll_train: Interval
    nll_validation: Interval
    gap: Interval


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """What the unified model is under the marker of one module, in NLL of the human replies to the test prompts.

    Attributes:
        role: The module's role.
        marker: The role's marker.
        gives: What stands there in the composition.
        nll: The module's own, in nats per token.
        nll_marked: The unified model's, with the marker in front.
        nll_lost: ``nll_marked`` minus ``nll``, paired over prompts; 0 where it answers as the module.
        nll_unmarked_lost: The same of the unified model without the marker: what there would be to lose.
    """

    role: str
    marker: str
    gives: str
    nll: Interval
    nll_marked: Interval
    nll_lost: Interval
    nll_unmarked_lost: Interval


@dataclass(frozen=True, slots=True)
class UnifiedReport:
    """What was kept.

    Attributes:
        rows: Composite, unified model, best member.
        modules: Every module with a marker; none where roles have none.
        num_test_prompts: Prompts of ``coherence`` and ``nll``.
        num_train_prompts: Prompts of ``nll_train``.
        notes: How the unified model came about.
    """

    rows: tuple[UnifiedRow, ...]
    modules: tuple[ModuleRow, ...]
    num_test_prompts: int
    num_train_prompts: int
    notes: tuple[str, ...]


def measure_unified(
    genome: Genome, directory: Path, prepared: PreparedCompositions, *, notes: Sequence[str]
) -> UnifiedReport:
    """Score composition, unified model and best member, and the unified model under every marker.

    The best member is the one of the composition's that is most coherent on the validation prompts. The training
    prompts are as many as the validation's, cut from the training split in the same way.

    Args:
        genome: The composition.
        directory: The unified model, loaded from there as any member is.
        prepared: Members, prompts and scorer.
        notes: How the model came about.
    """
    catalogue = MemberCatalogue({**prepared.catalogue.sources, UNIFIED: directory}, markers=prepared.catalogue.markers)
    train = panel_of(prepared.documents, "train", len(prepared.factory.panels["validation"]))
    factory = replace(
        prepared.factory, catalogue=catalogue, panels={**prepared.factory.panels, "train": train}, operators=()
    )
    evaluator = factory()
    measured = partial(_measured, evaluator=evaluator, factory=factory)
    members = sorted({node.member for node in genome.of_type(MemberNode).values()})
    roles = played_roles(genome)
    alone = {name: single(name, genome, role=roles.get(name)) for name in [*members, UNIFIED]}
    validations = {name: measured(one, "validation") for name, one in alone.items()}
    best = max(members, key=lambda name: (validations[name].metrics["coherence"], name))
    contestants = {"composite": genome, UNIFIED: alone[UNIFIED], f"best member ({best})": alone[best]}
    validations |= {f"best member ({best})": validations[best], "composite": measured(genome, "validation")}
    tests = {label: measured(one, "test") for label, one in contestants.items()}
    trains = {label: measured(one, "train") for label, one in contestants.items()}
    statistics = {"resamples": prepared.config.report.bootstrap_resamples, "seed": prepared.config.seed}
    rows = []
    for label in contestants:
        is_composite = label == "composite"
        in_train = interval_of([trains[label]], "nll", **statistics)
        in_validation = interval_of([validations[label]], "nll", **statistics)
        rows.append(
            UnifiedRow(
                label=label,
                num_parameters=tests[label].metrics["active_parameters"],
                coherence=interval_of([tests[label]], "coherence", **statistics),
                nll=interval_of([tests[label]], "nll", **statistics),
                coherence_kept=None if is_composite else _difference(tests, label, "coherence", statistics),
                nll_lost=None if is_composite else _difference(tests, label, "nll", statistics),
                nll_train=in_train,
                nll_validation=in_validation,
                gap=difference_of_independent(in_validation, in_train),
            )
        )
    modules = []
    for module in marked_modules(genome, catalogue):
        own = measured(module.genome, "test", operators=[_NLL])
        marked = measured(single(UNIFIED, genome, role=module.role), "test", operators=[_NLL])
        in_nll = {"module": own, "marked": marked, "unmarked": tests[UNIFIED]}
        modules.append(
            ModuleRow(
                role=module.role,
                marker=module.marker,
                gives=module.gives,
                nll=interval_of([own], "nll", **statistics),
                nll_marked=interval_of([marked], "nll", **statistics),
                nll_lost=_difference(in_nll, "marked", "nll", statistics, to="module"),
                nll_unmarked_lost=_difference(in_nll, "unmarked", "nll", statistics, to="module"),
            )
        )
    return UnifiedReport(tuple(rows), tuple(modules), len(factory.panels["test"]), len(train), tuple(notes))


def single(member: str, genome: Genome, *, role: str | None = None) -> Genome:
    """One member, in a role, under the decoding settings of a genome."""
    ((_, response),) = genome.of_type(ResponseNode).items()
    nodes: dict[str, Node] = {"prompt": PromptNode(), "m1": MemberNode(member, role=role), "response": response}
    return Genome(nodes, [Edge("prompt", "m1", "text", 0), Edge("m1", "response", "distribution", 0)])


def _measured(
    genome: Genome,
    panel: str,
    *,
    evaluator: CompositionEvaluator,
    factory: CompositionEvaluatorFactory,
    operators: Sequence[ObjectiveOperator] = _OPERATORS,
) -> Evaluation:
    evaluation = joined(
        [
            evaluator.measured(genome, factory.window(panel, number), operators=operators, draw=(number,))
            for number in range(factory.num_windows(panel))
        ]
    )
    if not evaluation.is_ok:
        raise ValueError(f"The unified model could not be measured: {evaluation.outcome.value}, {evaluation.error}.")
    return evaluation


def _difference(
    tests: Mapping[str, Evaluation],
    label: str,
    measure: str,
    statistics: Mapping[str, int],
    *,
    to: str = "composite",
) -> Interval:
    first, second = (sample_of([tests[one]], measure) for one in (label, to))
    assert first is not None, "Coherence and NLL have a number per prompt."
    assert second is not None
    return bootstrap_difference(first, second, **statistics)

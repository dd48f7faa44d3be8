"""Runs without models: real composition genomes with made-up scores, and the files of a final comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolve.evaluator import EvaluationRequest
from evolve.importance import Importance
from evolve.loop import Run
from evolve.seeding import generator
from evolve.settings import Budget, SearchSettings
from experiments.problems.compositions.answers import Answer, AnsweredPrompt, write_answers
from experiments.problems.compositions.finals import BEST_MEMBER, UNIFORM_MEAN, WINNER
from experiments.problems.compositions.results import Contestant, Results, compare
from fitness.result import Evaluation, Objective, Outcome
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from tests.evolve.toy import ToyPool

COHERENCE = Objective("coherence", "maximise", "in [0, 1]")
NLL = Objective("nll", "minimise", "nats per token")
MEMBERS = ("arrays", "graphs", "talk")
SETTINGS = SearchSettings(
    mode="nsga2", population=8, tournament=3, lag=4, crossover_probability=0.3, rescore_every=4, rescore_top=3
)


@dataclass(frozen=True)
class MadeUpFactory:
    """More members and the member ``graphs`` are better; every seventh genome or so crashes."""

    version: str = "made-up/1"
    objectives: tuple[Objective, ...] = (COHERENCE, NLL)

    def __call__(self) -> MadeUpFactory:
        return self

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        rng = generator(1, "made-up", request.genome, request.panel, request.replicate)
        if request.panel == "search" and rng.random() < 0.15:
            return Evaluation.failed(Outcome.CRASH, "made up\nand more")
        level = 0.3 + 0.05 * request.genome.count('"member":"graphs"') + 0.01 * request.genome.count('"member"')
        scores = {f"{request.panel}-{i}": float(level + rng.normal(0, 0.08)) for i in range(20)}
        nll = {prompt: 5 - score for prompt, score in scores.items()}
        objectives = {"coherence": sum(scores.values()) / 20, "nll": sum(nll.values()) / 20}
        return Evaluation.ok(
            objectives,
            scores=scores,
            metrics={**objectives, "active_parameters": 1e6, "mean_coherence": objectives["coherence"]},
            details={"nll": nll, "coherence": scores},
            answers={prompt: f"answer to {prompt}" for prompt in scores} if request.panel == "test" else None,
        )


def space() -> CompositionSpace:
    # Named, so that a further method does not change the run that is looked at.
    methods = (
        "mean",
        "weighted",
        "product",
        "bayesian",
        "vote",
        "gate",
        "prompt_gate",
        "stack",
        "best_of",
        "answer_vote",
    )
    return CompositionSpace(
        members={name: MemberInfo(name, "", 0, 1024) for name in MEMBERS}, methods=methods, max_new_tokens=24
    )


def config(name: str = "made-up", **changes: Any) -> dict[str, Any]:
    return {"name": name, "members": {"catalogue": {}}, "data": {"prompts": {"test": 20}}, **changes}


def start(directory: Path, *, births: int = 40, seed: int = 3, **changes: Any) -> Run:
    return Run.create(
        directory,
        space=space(),
        factory=MadeUpFactory(),
        settings=SETTINGS,
        budget=Budget(births=births),
        seed=seed,
        config=config(**changes),
    )


def search(run: Run) -> Run:
    run.advance(ToyPool(MadeUpFactory(), capacity=2, seed=0))
    return run


IMPORTANCES = (
    Importance("likelihood", 300, 1.0, {"members": 0.6, "methods": 0.3}, 0.1, {"members.graphs": 0.2}),
    Importance("search", 60, 0.7, {"decoding": 0.5, "members": 0.4}, 0.1, {"decoding.top_p": -0.02, "members.a": 0.01}),
)


def carry_on(directory: Path, *, births: int) -> None:
    run = Run.open(directory, space=space(), factory=MadeUpFactory(), budget=Budget(births=births))
    with run:
        search(run)


def finish(run: Run, *, answer: str = "an answer") -> None:
    """Measure winner and two founders on made-up test prompts and write what a launch writes."""
    founders = [space().to_json(genome) for _, genome in space().founders()]
    assert run.incumbent is not None
    genomes = [founders[0], founders[-1], run.incumbent.genome_json]
    pool = ToyPool(MadeUpFactory())
    measured = run.measure(genomes, panel="test", replicates=range(2), pool=pool)
    labels = (BEST_MEMBER, UNIFORM_MEAN, WINNER)
    contestants = [
        Contestant(label, genome, 7, list(results.by_replicate.values()))
        for label, genome, results in zip(labels, genomes, measured, strict=True)
    ]
    objectives = (COHERENCE, NLL)
    rows = compare(contestants, objectives=objectives, resamples=300, seed=1)
    Results(rows, 0.7, 20, 2, (), objectives, importances=IMPORTANCES).write(run.directory)
    write_answers(run.directory, answered(sorted(contestants[0].answers[0].scores), labels, answer))


def answered(prompts: Sequence[str], labels: Sequence[str], text: str) -> list[AnsweredPrompt]:
    return [
        AnsweredPrompt(
            id=prompt,
            domain="talk",
            context=("Hello there.", f"What about {prompt}?"),
            human="A human reply.",
            human_coherence=0.8,
            answers={
                label: (
                    Answer(text, 0.1 * rank + 0.001 * place, 4.0, {"pair": 0.5}, {"copying": 0.5, "length": 1.0}),
                    Answer("another answer", 0.1 * rank, 4.0, {"pair": 0.1}, {"copying": 1.0, "length": 1.0}),
                )
                for rank, label in enumerate(labels)
            },
        )
        for place, prompt in enumerate(prompts)
    ]


def finished(directory: Path, *, births: int = 40, **changes: Any) -> Path:
    with start(directory, births=births, **changes) as run:
        finish(search(run))
    return directory


def embedded(html: str) -> dict[str, Any]:
    """The data that a report's script reads."""
    text = html.split('<script type="application/json" id="report-data">')[1].split("</script>")[0]
    document: dict[str, Any] = json.loads(text)
    return document

"""Who takes part in the final comparison, and what their measurements cost: validation chooses, test is read once.

Finalists and baselines are scored on the validation panel; the best finalist is the winner, and it meets the
baselines on the test panel, where each answers every prompt several times. Every measurement is recorded in the run's
log, so that an interrupted final goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolve.loop import Run
from evolve.workers.pool import WorkerPool
from experiments.problems.compositions.answers import collect_answers, write_answers
from experiments.problems.compositions.judges import judge_name, open_judge
from experiments.problems.compositions.judging import JUDGE_THREADS, Judgement, judged
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.results import Contestant, Results, Shown, compare, human_coherence
from experiments.problems.errors import FinalsError
from fitness.panels import joined
from fitness.result import Evaluation
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import ResponseNode
from genomes.running.threads import torch_threads

WINNER = "evolved winner"
BEST_MEMBER = "best single member"
TUNED_MEMBER = "best single, tuned"
UNIFORM_MEAN = "uniform mean"
RANDOM_SEARCH = "random search"

_BATCH = 8
"""Genomes that answer a window together: enough for the speed of lockstep, few enough to keep all workers busy."""


@dataclass(frozen=True, slots=True)
class _Choice:
    label: str
    genomes: tuple[str, ...]
    evaluations: int


def run_finals(run: Run, random_run: Run | None, prepared: PreparedCompositions, pool: WorkerPool) -> Results:
    """Compare the run's winner with the baselines that the experiment asks for, and write all answers beside the run.

    Args:
        run: The evolved run, at the end of its budget.
        random_run: The random search of the same budget; None where it is not asked for.
        prepared: The experiment of both.
        pool: Evaluates the measurements.

    Raises:
        FinalsError: Nothing was ever scored, or a contestant cannot be.
    """
    report = prepared.config.report
    choices = _baselines(run, random_run, prepared, pool)
    choices.append(_finalists(WINNER, run, report.finalists))
    chosen = [(choice, _best_on_validation(choice, run, prepared, pool)) for choice in choices]
    genomes = [genome for _, genome in chosen]
    tests = answers_on(genomes, "test", run, prepared, pool, count=report.answers_per_prompt)
    contestants = [
        Contestant(choice.label, genome, choice.evaluations, [_required(test, choice.label) for test in answers])
        for (choice, genome), answers in zip(chosen, tests, strict=True)
    ]
    objectives = prepared.factory.objectives
    rows = compare(contestants, objectives=objectives, resamples=report.bootstrap_resamples, seed=prepared.config.seed)
    write_answers(run.directory, collect_answers(contestants, prepared.factory.panels["test"]))
    return Results(
        rows=rows,
        human_coherence=human_coherence(contestants[-1]),
        num_prompts=len(prepared.factory.panels["test"]),
        answers_per_prompt=report.answers_per_prompt,
        samples=_samples(contestants, prepared, count=report.sample_prompts),
        objectives=objectives,
        judgement=_judgement(contestants, prepared),
    )


def _judgement(contestants: Sequence[Contestant], prepared: PreparedCompositions) -> Judgement | None:
    config = prepared.config
    if config.report.judge is None:
        return None
    with torch_threads(JUDGE_THREADS):
        return judged(
            {contestant.label: contestant.answers[0].answers for contestant in contestants},
            prepared.factory.panels["test"][: config.report.judge_prompts],  # Domains take turns.
            open_judge(config.report.judge, is_offline=config.members.offline),
            name=judge_name(config.report.judge),
            resamples=config.report.bootstrap_resamples,
            seed=config.seed,
        )


def _baselines(run: Run, random_run: Run | None, prepared: PreparedCompositions, pool: WorkerPool) -> list[_Choice]:
    founders = {name: prepared.space.to_json(genome) for name, genome in prepared.space.founders()}
    singles = tuple(genome for name, genome in founders.items() if name.startswith("single:"))
    means = tuple(genome for name, genome in founders.items() if name == "uniform-mean")
    wanted = prepared.config.report.baselines
    choices = []
    if "best_member" in wanted and singles:  # Agents whose every module waits for another have none.
        choices.append(_Choice(BEST_MEMBER, singles, len(singles)))
    if "tuned_member" in wanted and singles:
        best_two = _ranked_on_validation(singles, run, prepared, pool)[:2]
        variants = [variant for _, genome in best_two for variant in decoding_variants(genome, prepared.space)]
        leaders = _leaders_on_search(variants, run, pool, count=prepared.config.report.finalists)
        choices.append(_Choice(TUNED_MEMBER, leaders, len(singles) + len(variants)))
    if "uniform_mean" in wanted and means:
        choices.append(_Choice(UNIFORM_MEAN, means, 1))
    if "random_search" in wanted and random_run is not None:
        choices.append(_finalists(RANDOM_SEARCH, random_run, prepared.config.report.finalists))
    return choices


def _finalists(label: str, run: Run, count: int) -> _Choice:
    """The leaders of a run by lower confidence bound."""
    z = run.state.settings.confidence_z
    leaders = sorted(run.state.hall_of_fame, key=lambda one: (-one.results.lower_confidence_bound(z), one.key))[:count]
    if not leaders:
        raise FinalsError(
            f"The run in {run.directory} has no scored individual ({run.state.num_failures} evaluations failed), so "
            f"there is no {label}. `evolve runs history {run.directory}` shows the errors."
        )
    return _Choice(label, tuple(one.genome_json for one in leaders), run.state.num_evaluations)


def decoding_variants(genome: str, space: CompositionSpace) -> list[str]:
    """A genome under a grid of decoding settings: four temperatures over the space's range, every ``top_k``."""
    parsed = space.from_json(genome)
    ((response_id, response),) = parsed.of_type(ResponseNode).items()
    low, high = space.response_temperature.low, space.response_temperature.high
    variants = []
    for step in range(4):
        for top_k in space.response_top_k.options:
            temperature = round(low + (high - low) * step / 3, 4)
            tuned = replace(response, temperature=temperature, top_k=int(top_k))
            variants.append(space.to_json(Genome({**parsed.nodes, response_id: tuned}, parsed.edges)))
    return variants


def _leaders_on_search(genomes: Sequence[str], run: Run, pool: WorkerPool, *, count: int) -> tuple[str, ...]:
    measured = run.measure(genomes, panel="search", num_replicates=1, pool=pool, batch=_BATCH)
    ranked = sorted(zip(measured, genomes, strict=True), key=lambda pair: (-pair[0].leading, pair[1]))
    return tuple(genome for _, genome in ranked[:count])


def _best_on_validation(choice: _Choice, run: Run, prepared: PreparedCompositions, pool: WorkerPool) -> str:
    ranked = _ranked_on_validation(choice.genomes, run, prepared, pool)
    if not ranked:
        _required(measured_on(choice.genomes, "validation", run, prepared, pool)[0], choice.label)
    return ranked[0][1]


def _ranked_on_validation(
    genomes: Sequence[str], run: Run, prepared: PreparedCompositions, pool: WorkerPool
) -> list[tuple[float, str]]:
    """The leading objective on the validation panel, higher is better, and genome, of those that could be scored.

    Best first. It is what the search selects on and the final table shows.
    """
    measured = measured_on(genomes, "validation", run, prepared, pool)
    leading = prepared.factory.objectives[0]
    scored = [(one, genome) for one, genome in zip(measured, genomes, strict=True) if one.is_ok]
    return sorted(((leading.sign * one.objectives[leading.name], genome) for one, genome in scored), reverse=True)


def measured_on(
    genomes: Sequence[str], panel: str, run: Run, prepared: PreparedCompositions, pool: WorkerPool
) -> list[Evaluation]:
    """One evaluation per genome over a whole panel, or the first failed one of its windows."""
    return [answers[0] for answers in answers_on(genomes, panel, run, prepared, pool, count=1)]


def answers_on(
    genomes: Sequence[str], panel: str, run: Run, prepared: PreparedCompositions, pool: WorkerPool, *, count: int
) -> list[list[Evaluation]]:
    """For each genome one evaluation over a whole panel per answer to its prompts, or the first failed one.

    The answers of one window with one seed are written by all genomes in lockstep.
    """
    size = prepared.factory.num_windows(panel)
    results = run.measure(genomes, panel=panel, num_replicates=count * size, pool=pool, batch=_BATCH)
    return [
        [
            joined([result.by_replicate[window] for window in range(answer * size, (answer + 1) * size)])
            for answer in range(count)
        ]
        for result in results
    ]


def _required(evaluation: Evaluation, label: str) -> Evaluation:
    if not evaluation.is_ok:
        raise FinalsError(
            f"The final comparison cannot be made: {label} ended with {evaluation.outcome.value} "
            f"({evaluation.error}). Nothing of the search is lost: resume the run, with a larger "
            "workers.deadline_seconds where time was short."
        )
    return evaluation


def _samples(contestants: Sequence[Contestant], prepared: PreparedCompositions, *, count: int) -> tuple[Shown, ...]:
    """The first test prompts (domains take turns) with the first answers of best member and winner."""
    shown = [contestant for contestant in contestants if contestant.label in {BEST_MEMBER, TUNED_MEMBER, WINNER}]
    return tuple(
        Shown(
            context=example.context,
            human=example.reply,
            answers={contestant.label: contestant.answers[0].answers[example.id] for contestant in shown},
        )
        for example in prepared.factory.panels["test"][:count]
    )

"""Who takes part in the final comparison, and what their measurements cost: validation chooses, test is read once.

Finalists and baselines are scored on the validation panel; the best finalist is the winner, and it meets the
baselines on the test panel, where each answers every prompt several times. How that is done is said in measuring.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evolve.individual import Results as RunResults
from evolve.loop import Run
from experiments.problems.compositions.answers import collect_answers, write_answers
from experiments.problems.compositions.judges import judge_name, open_judge
from experiments.problems.compositions.judging import JUDGE_THREADS, Judgement, judged
from experiments.problems.compositions.measuring import Measuring
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.race import Raced, raced
from experiments.problems.compositions.results import Contestant, Results, Shown, compare, human_coherence
from experiments.problems.errors import FinalsError
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


@dataclass(frozen=True, slots=True)
class _Choice:
    label: str
    race: Raced  # between whom, and what is known of them
    answers: int  # that were asked for until these genomes were found

    @property
    def genomes(self) -> tuple[str, ...]:
        return self.race.leaders


def run_finals(measuring: Measuring, random_run: Run | None) -> Results:
    """Compare the run's winner with the baselines that the experiment asks for, and write all answers beside the run.

    Args:
        measuring: Measures; its run is the evolved one, at the end of its budget.
        random_run: The random search of the same budget; None where it is not asked for.

    Raises:
        FinalsError: Nothing was ever scored, or a contestant cannot be.
    """
    run, prepared = measuring.run, measuring.prepared
    report = prepared.config.report
    searches = {WINNER: run} if random_run is None else {RANDOM_SEARCH: random_run, WINNER: run}
    choices = [*_baselines(measuring), *_finalists(searches, measuring)]
    chosen = _best_on_validation(choices, measuring)
    genomes = [genome for _, genome in chosen]
    what = f"final comparison of {len(genomes)} compositions, {report.answers_per_prompt} answers to a prompt"
    tests = measuring.answers_on(genomes, "test", count=report.answers_per_prompt, what=what)
    contestants = [
        Contestant(
            choice.label,
            genome,
            choice.answers + len(choice.genomes) * len(prepared.factory.panels["validation"]),
            [_required(test, choice.label) for test in answers],
        )
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
        judgement=_judgement(contestants, measuring),
        importances=tuple(run.importances()),
    )


def _judgement(contestants: Sequence[Contestant], measuring: Measuring) -> Judgement | None:
    config, display = measuring.prepared.config, measuring.display
    if config.report.judge is None:
        return None
    name = judge_name(config.report.judge)
    examples = measuring.prepared.factory.panels["test"][: config.report.judge_prompts]  # Domains take turns.
    display.say(f"the second judge {name} is opened, which takes half a minute the first time")
    with torch_threads(JUDGE_THREADS):
        judge = open_judge(config.report.judge, is_offline=config.members.offline)
        with display.counting(f"the judge reads all answers to {len(examples)} prompts", total=len(examples)) as count:
            return judged(
                {contestant.label: contestant.answers[0].answers for contestant in contestants},
                examples,
                judge,
                name=name,
                resamples=config.report.bootstrap_resamples,
                seed=config.seed,
                on_progress=count,
            )


def _baselines(measuring: Measuring) -> list[_Choice]:
    prepared = measuring.prepared
    founders = {name: prepared.space.to_json(genome) for name, genome in prepared.space.founders()}
    singles = tuple(genome for name, genome in founders.items() if name.startswith("single:"))
    means = tuple(genome for name, genome in founders.items() if name == "uniform-mean")
    wanted = prepared.config.report.baselines
    choices = []
    if "best_member" in wanted and singles:  # Agents whose every module waits for another have none.
        choices.append(_Choice(BEST_MEMBER, Raced(singles, 0), 0))
    if "tuned_member" in wanted and singles:
        on_panel = measuring.on_panel(singles, "validation", what="single members")
        validated = _validated(dict(zip(singles, on_panel, strict=True)), measuring)
        best_two = Raced(singles, 0).ranked(validated, num_draws=1)[:2]
        variants = [variant for genome in best_two for variant in decoding_variants(genome, prepared.space)]
        leaders = _leaders_on_search(variants, measuring, count=prepared.config.report.finalists)
        on_validation = len(singles) * len(prepared.factory.panels["validation"])
        asked = on_validation + len(variants) * prepared.factory.answers_per_evaluation
        choices.append(_Choice(TUNED_MEMBER, Raced(leaders, 0), asked))
    if "uniform_mean" in wanted and means:
        choices.append(_Choice(UNIFORM_MEAN, Raced(means, 0), 0))
    return choices


def _finalists(searches: Mapping[str, Run], measuring: Measuring) -> list[_Choice]:
    """The leaders of each search who are left after a race; without one, the first of them."""
    report = measuring.prepared.config.report

    def on_race(genomes: Sequence[str], num_draws: int) -> list[RunResults]:
        what = f"race of the leaders of {' and '.join(searches)}: {len(genomes)} left"
        return measuring.on_race(genomes, num_draws=num_draws, what=what)

    entrants = {label: _leaders(label, run, measuring) for label, run in searches.items()}
    races = raced(entrants, on_race, count=report.finalists)
    return [
        _Choice(
            label,
            races[label],
            (run.state.num_evaluations + races[label].num_evaluations)
            * measuring.prepared.factory.answers_per_evaluation,
        )
        for label, run in searches.items()
    ]


def _leaders(label: str, run: Run, measuring: Measuring) -> tuple[str, ...]:
    """Those of a search who race: by what its model estimates, or else by their lower confidence bounds."""
    report, state = measuring.prepared.config.report, run.state
    z = state.settings.confidence_z
    leaders = [state.individuals[key] for key in state.ranked_keys(max(report.racers, state.settings.hall_of_fame))]
    if state.learnt is None:
        leaders.sort(key=lambda one: (-one.results.lower_confidence_bound(z), one.key))
    if not leaders:
        raise FinalsError(
            f"The run in {run.directory} has no scored individual ({run.state.num_failures} evaluations failed), so "
            f"there is no {label}. `evolve runs history {run.directory}` shows the errors."
        )
    return tuple(one.genome_json for one in leaders)[: max(report.racers, report.finalists)]


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


def _leaders_on_search(genomes: Sequence[str], measuring: Measuring, *, count: int) -> tuple[str, ...]:
    measured = measuring.on_search(genomes, what=f"{TUNED_MEMBER}: decoding settings")
    ranked = sorted(zip(measured, genomes, strict=True), key=lambda pair: (-pair[0].leading, pair[1]))
    return tuple(genome for _, genome in ranked[:count])


def _best_on_validation(choices: Sequence[_Choice], measuring: Measuring) -> list[tuple[_Choice, str]]:
    """Every choice with the best of its genomes, by the validation prompts and by the race where there was one."""
    genomes = list(dict.fromkeys(genome for choice in choices for genome in choice.genomes))
    measured = dict(zip(genomes, measuring.on_panel(genomes, "validation", what="finalists"), strict=True))
    validated = _validated(measured, measuring)
    chosen = []
    for choice in choices:
        ranked = choice.race.ranked(validated, num_draws=measuring.prepared.factory.num_validation_draws)
        if not ranked:
            _required(measured[choice.genomes[0]], choice.label)
        chosen.append((choice, ranked[0]))
    return chosen


def _validated(measured: Mapping[str, Evaluation], measuring: Measuring) -> dict[str, float]:
    """The leading objective of those that could be scored, higher is better: what the search selects on."""
    leading = measuring.prepared.factory.objectives[0]
    return {genome: leading.sign * one.objectives[leading.name] for genome, one in measured.items() if one.is_ok}


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

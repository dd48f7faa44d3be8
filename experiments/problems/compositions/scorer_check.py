"""Whether the scorer of an experiment knows its texts, as a launch and a dry run say it, and when a launch refuses.

How the figure comes about is said in fitness/coherence/discrimination.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evolve.settings import MULTI_OBJECTIVE
from experiments.config import ExperimentConfig
from experiments.corpora.documents import Example
from fitness.coherence.discrimination import LEAST_CHANCE, Discrimination, discrimination
from genomes.members.quiet import quiet_transformers
from genomes.running.threads import torch_threads


@dataclass(frozen=True, slots=True)
class ScorerCheck:
    """What is to be said of a scorer on the search prompts of an experiment.

    Attributes:
        sentence: The figure, and where it is low what that means and what can be done.
        is_refused: Whether coherence leads and cannot.
    """

    sentence: str
    is_refused: bool = False


def check_scorer(
    config: ExperimentConfig, prompts: Sequence[Example], directory: Path, *, option: str | None = None
) -> ScorerCheck:
    """What is said of a scorer on the search prompts of an experiment, from their human replies and shuffled ones.

    Args:
        config: Says what leads, and what kind of scorer this is.
        prompts: The prompts with their human replies. Replies are shuffled within domains.
        directory: The saved scorer.
        option: The value of a command's ``--objective``, where that leads in place of ``fitness.objectives``.
    """
    leads = (option or config.fitness.objective_names[0]) == "coherence"
    found = _found(prompts, directory)
    if found is None:
        return ScorerCheck("The scorer is not checked: no two search prompts of a domain have different replies.")
    told = found.sentence(place=" on the search prompts")
    remedies = _remedies(config, leads=leads, is_option=option is not None)
    if found.is_blind and leads:
        return ScorerCheck(
            f"{'--objective' if option else 'fitness.objectives'}: 'coherence' leads, but would select on noise on the "
            f"texts of {', '.join(config.data.domains)}. {told} Allowed is an interval that reaches {LEAST_CHANCE}; a "
            f"scorer that knows nothing of the texts has 0.5. {remedies}",
            is_refused=True,
        )
    if found.is_doubtful:
        return ScorerCheck(f"{told} That is less than {LEAST_CHANCE}: read coherence with care. {remedies}")
    return ScorerCheck(told)


def _found(prompts: Sequence[Example], directory: Path) -> Discrimination | None:
    from fitness.coherence.scorer import CoherenceScorer

    with torch_threads(1):  # More than one slow each other down where the machine has other work.
        with quiet_transformers():
            scorer = CoherenceScorer.load(directory)
        return discrimination(
            scorer.score,
            [prompt.context for prompt in prompts],
            [prompt.reply for prompt in prompts],
            domains=[prompt.domain for prompt in prompts],
            groups=[prompt.group for prompt in prompts],
        )


def _remedies(config: ExperimentConfig, *, leads: bool, is_option: bool) -> str:
    remedies = []
    if leads:
        objectives = "[nll, active_parameters]" if config.search.mode in MULTI_OBJECTIVE else "[nll]"
        remedies.append(
            f"let likelihood lead ({'--objective nll' if is_option else f'fitness.objectives: {objectives}'})"
        )
    named = "a sentence-embedding model that knows them (fitness.embedding)"
    if config.fitness.scorer == "bundled":
        knowledge = "The bundled scorer knows English only."
        remedies.append(f"fit a scorer to your own texts (fitness.scorer: fit), for another language with {named}")
    elif config.fitness.embedding is None:
        knowledge = "This scorer was fitted to your texts, but its embeddings know English only."
        remedies.append(f"name {named}")
    else:
        knowledge = f"This scorer was fitted to your texts with the embeddings {config.fitness.embedding!r}."
    return f"{knowledge} What you can do: {', or '.join(remedies)}." if remedies else knowledge

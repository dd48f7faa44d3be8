"""What every contestant of the final comparison answered to every test prompt, kept as ``answers.jsonl`` beside a run.

One JSON object per prompt and line: texts, scores, terms and guards. Nothing is scored here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.corpora.documents import Example
from experiments.files import write_text
from experiments.problems.compositions.results import Contestant
from fitness.json_lines import read_json_lines
from fitness.result import Evaluation

ANSWERS_FILE = "answers.jsonl"

TERM, GUARD = "term.", "guard."
"""What the names of terms and guards begin with among the details of an evaluation."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One of a contestant's answers to one prompt.

    Attributes:
        text: The words.
        coherence: In [0, 1], higher is better.
        nll_nats: Nats per token of the human reply under this contestant; lower is better.
        terms: Z-scored terms of the coherence by name.
        guards: Factors in [0, 1] by name; less than 1 took something away.
    """

    text: str
    coherence: float
    nll_nats: float
    terms: Mapping[str, float]
    guards: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AnsweredPrompt:
    """One test prompt with all answers to it.

    Attributes:
        id: The prompt.
        domain: Where it is from.
        context: The turns before the answer, oldest first.
        human: What the human said next.
        human_coherence: The coherence of that.
        answers: By contestant, the winner last; each has equally many, and the n-th ones of all had the same luck.
    """

    id: str
    domain: str
    context: tuple[str, ...]
    human: str
    human_coherence: float
    answers: Mapping[str, tuple[Answer, ...]]

    def mean_coherence(self, label: str) -> float:
        """The coherence of a contestant's answers, on average."""
        own = self.answers[label]
        return sum(answer.coherence for answer in own) / len(own)


def collect_answers(contestants: Sequence[Contestant], examples: Sequence[Example]) -> list[AnsweredPrompt]:
    """The answers of contestants that were all scored on these examples, in the order of the examples."""
    human = contestants[-1].answers[0].details["human_coherence"]
    return [
        AnsweredPrompt(
            id=example.id,
            domain=example.domain,
            context=example.context,
            human=example.reply,
            human_coherence=human[example.id],
            answers={
                contestant.label: tuple(_answer(test, contestant, example.id) for test in contestant.answers)
                for contestant in contestants
            },
        )
        for example in examples
    ]


def write_answers(directory: Path, prompts: Sequence[AnsweredPrompt]) -> Path:
    """Write ``answers.jsonl`` into a run directory, in one step."""
    path = directory / ANSWERS_FILE
    write_text(path, "".join(json.dumps(asdict(prompt)) + "\n" for prompt in prompts))
    return path


def read_answers(directory: Path) -> list[AnsweredPrompt]:
    """What ``write_answers`` wrote; nothing where a run has no final comparison yet, or was no composition's."""
    path = directory / ANSWERS_FILE
    if not path.exists():
        return []
    lines = read_json_lines(path, form="Each line is one test prompt with its answers, as the run wrote it.")
    return [_prompt(line.content) for line in lines]


def _answer(test: Evaluation, contestant: Contestant, prompt: str) -> Answer:
    return Answer(
        text=test.answers[prompt],
        coherence=test.details["coherence"][prompt],
        nll_nats=contestant.answers[0].details["nll"][prompt],
        terms=_of_kind(test, TERM, prompt),
        guards=_of_kind(test, GUARD, prompt),
    )


def _of_kind(test: Evaluation, prefix: str, prompt: str) -> dict[str, float]:
    return {
        name.removeprefix(prefix): values[prompt] for name, values in test.details.items() if name.startswith(prefix)
    }


def _prompt(document: dict[str, Any]) -> AnsweredPrompt:
    # Runs of older versions had one answer, which was no list.
    answers = {
        label: tuple(Answer(**answer) for answer in (given if isinstance(given, list) else [given]))
        for label, given in document["answers"].items()
    }
    return AnsweredPrompt(**{**document, "context": tuple(document["context"]), "answers": answers})

"""``evolve scorer score``: the coherence of the replies in a file, with everything that it is made of.

A line of the input is one reply after its context, or one whole dialogue::

    {"ctx": ["Do you have pets?"], "resp": "Yes, two dogs."}
    {"turns": ["Do you have pets?", "Yes, two dogs.", "What are they called?"]}

Each line comes back with all that it held and the keys below, so that others can check the scorer:

    ctx, resp    coherence, terms, guards
    turns        coherence (level over its replies), replies: [{turn, coherence, terms, guards}, ...]
    both         scorer: its version
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.errors import CorpusError
from experiments.files import replaced_file
from experiments.terminal.output import standard_output
from fitness.coherence.agent import level
from fitness.coherence.discrimination import ENOUGH_REPLIES, discrimination
from fitness.coherence.scorer import CoherenceScore, CoherenceScorer
from fitness.json_lines import read_json_lines
from genomes.members.quiet import quiet_transformers

_EXAMPLE = '{"ctx": ["Do you have pets?"], "resp": "Yes, two dogs."}'
_KEYS = ("ctx", "resp", "turns")
_WRITTEN = ("coherence", "terms", "guards", "replies", "scorer")
_LINES_AT_ONCE = 200  # What embedding them needs in memory stays small, whatever the length of the file.


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the input: what it held, and the replies in it after their contexts."""

    content: dict[str, Any]
    contexts: tuple[tuple[str, ...], ...]
    replies: tuple[str, ...]

    @property
    def is_dialogue(self) -> bool:
        return "turns" in self.content


def score_file(
    path: Path,
    *,
    to: Path,
    scorer_directory: Path | None = None,
    overwrite: bool = False,
    console: Console | None = None,
) -> int:
    """Score every line of a file; nothing is written unless every line can be scored.

    Args:
        path: JSON lines as described above, in UTF-8. Empty lines are skipped.
        to: File to write, one line per line.
        scorer_directory: A saved scorer; the bundled one without.
        overwrite: Replace an existing file.
        console: Where the summary goes; standard output without.

    Returns:
        The number of replies scored.

    Raises:
        CorpusError: A line is neither a reply nor a dialogue; names its number.
        FileExistsError: ``to`` is there already, or a directory.
        FileNotFoundError: There is no such file or scorer.
    """
    if to.is_dir():
        raise FileExistsError(f"{str(to)!r} is a directory. Give a file with --to, e.g. {str(to / 'scored.jsonl')!r}.")
    if to.exists() and not overwrite:
        raise FileExistsError(f"{str(to)!r} is there already. Give another file with --to, or pass --overwrite.")
    lines = _read(path)
    with quiet_transformers():
        scorer = CoherenceScorer.load(scorer_directory or BUNDLED_SCORER)
    scores: list[CoherenceScore] = []
    with replaced_file(to) as scratch, scratch.open("w", encoding="utf-8") as file:
        for start in range(0, len(lines), _LINES_AT_ONCE):
            for line, found in _scored(lines[start : start + _LINES_AT_ONCE], scorer):
                content = line.content | _report(line, found) | {"scorer": scorer.version}
                file.write(json.dumps(content, ensure_ascii=False) + "\n")
                scores.extend(found)
    console = console or standard_output()
    mean = sum(score.value for score in scores) / len(scores)
    console.print(
        f"Wrote {to}: {len(scores)} replies, mean coherence {mean:.3f}, scorer {scorer.version}", soft_wrap=True
    )
    for sentence in _trust(lines, scorer, name=path.name):
        console.print(sentence, markup=False, soft_wrap=True)
    return len(scores)


def _trust(lines: Sequence[_Line], scorer: CoherenceScorer, *, name: str) -> Iterator[str]:
    """How well the scorer tells the replies from shuffled ones, and what it means where it does not."""
    contexts = [context for line in lines for context in line.contexts]
    replies = [reply for line in lines for reply in line.replies]
    found = discrimination(scorer.score, contexts, replies) if len(replies) >= ENOUGH_REPLIES else None
    if found is None:
        return
    yield found.sentence(replies=f"the replies in {name}")
    if found.is_blind:
        yield (
            "Either many of them do not fit their contexts, or the scorer does not know such texts, and its numbers "
            "mean nothing here. The bundled one knows English only; evolve scorer fit makes one for your own texts, "
            "which --scorer takes."
        )


def _scored(lines: Sequence[_Line], scorer: CoherenceScorer) -> Iterator[tuple[_Line, list[CoherenceScore]]]:
    scores = scorer.score(
        [context for line in lines for context in line.contexts], [reply for line in lines for reply in line.replies]
    )
    start = 0
    for line in lines:
        yield line, scores[start : start + len(line.replies)]
        start += len(line.replies)


def _report(line: _Line, scores: Sequence[CoherenceScore]) -> dict[str, Any]:
    reports = [{"coherence": score.value, "terms": dict(score.terms), "guards": dict(score.guards)} for score in scores]
    if not line.is_dialogue:
        return reports[0]
    replies = [{"turn": turn, **report} for turn, report in enumerate(reports, 1)]
    return {"coherence": round(level([score.value for score in scores]), 6), "replies": replies}


def _read(path: Path) -> list[_Line]:
    if not path.is_file():
        raise FileNotFoundError(f"{str(path)!r} is no file; give a file of JSON lines, each like {_EXAMPLE}.")
    form = f"Each line is an object, e.g. {_EXAMPLE}."
    lines = [_line(line.content, line.place) for line in read_json_lines(path, form=form, error=CorpusError)]
    if not lines:
        raise CorpusError(f"{path}: holds no line to score. Each line is one, e.g. {_EXAMPLE}.")
    return lines


def _line(content: dict[str, Any], place: str) -> _Line:
    if "turns" in content and not {"ctx", "resp"} & content.keys():
        turns = _texts(content["turns"], f"{place}, key 'turns'", least=2)
        return _Line(content, tuple(turns[:end] for end in range(1, len(turns))), turns[1:])
    if "turns" in content or not {"ctx", "resp"} <= content.keys():
        raise CorpusError(f"{place}: has {_held(content)}; allowed are 'ctx' and 'resp', or 'turns'.{_hint(content)}")
    if not isinstance(content["resp"], str):
        raise CorpusError(f"{place}, key 'resp': is {content['resp']!r}; allowed is a text.")
    return _Line(content, (_texts(content["ctx"], f"{place}, key 'ctx'", least=1),), (content["resp"],))


def _texts(value: Any, place: str, *, least: int) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise CorpusError(f"{place}: is {value!r}; allowed is a list of texts.")
    for index, turn in enumerate(value):
        if not isinstance(turn, str):
            raise CorpusError(f"{place}: entry {index} is {turn!r}; allowed are texts.")
    if len(value) < least:
        raise CorpusError(
            f"{place}: holds {len(value)!r} turns; allowed are {least} or more, for a reply is scored after what was "
            f"said before it."
        )
    return tuple(value)


def _held(content: dict[str, Any]) -> str:
    return f"the keys {', '.join(map(repr, content))}" if content else "no key"


def _hint(content: dict[str, Any]) -> str:
    missing = [key for key in _KEYS if key not in content]
    for key in content:
        near = difflib.get_close_matches(key, missing, n=1, cutoff=0.5)
        if near and key not in (*_KEYS, *_WRITTEN):
            return f" Did you mean {near[0]!r} by {key!r}?"
    return ""

"""``evolve scorer score``: what comes back for replies and dialogues, and how bad input is answered."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from experiments.commands.score import score_file
from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.errors import CorpusError
from fitness.coherence.scorer import CoherenceScorer
from fitness.coherence.terms import TERM_WEIGHTS
from tests.oracles.exchanges import exchanges_in

REPLY = {"id": 7, "ctx": ["Do you have any pets?"], "resp": "Yes, two dogs and a cat."}
DIALOGUE = {"turns": ["Hi there.", "Hello, how are you?", "Fine, I just came back from a run.", "Nice, where to?"]}


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    path, to = folder / "in.jsonl", folder / "deep" / "out.jsonl"
    path.write_text(f"{json.dumps(REPLY)}\n\n{json.dumps(DIALOGUE)}\n", encoding="utf-8")
    count = score_file(path, to=to, console=Console(quiet=True))
    assert sorted(to.parent.iterdir()) == [to]
    return path, to, count, [json.loads(line) for line in to.read_text(encoding="utf-8").splitlines()]


def test_a_line_comes_back_with_what_it_held_and_its_score(scored):
    _, _, count, (reply, dialogue) = scored
    assert count == 4
    assert {key: reply[key] for key in REPLY} == REPLY
    assert dialogue["turns"] == DIALOGUE["turns"]
    assert reply["scorer"] == dialogue["scorer"] == CoherenceScorer.load(BUNDLED_SCORER).version


def test_a_score_can_be_computed_again_from_its_terms_and_guards(scored):
    reply, dialogue = scored[3]
    for row in (reply, *dialogue["replies"]):
        weighted = sum(TERM_WEIGHTS[name] * value for name, value in row["terms"].items())
        again = 1 / (1 + np.exp(-weighted / 0.9)) * np.prod(list(row["guards"].values()))
        assert row["coherence"] == pytest.approx(again, abs=1e-5)


def test_a_dialogue_is_its_replies_after_all_that_was_said_before(scored, tmp_path):
    dialogue = scored[3][1]
    turns = DIALOGUE["turns"]
    scores = CoherenceScorer.load(BUNDLED_SCORER).score([turns[:1], turns[:2], turns[:3]], turns[1:])
    assert [row["coherence"] for row in dialogue["replies"]] == [score.value for score in scores]
    assert [row["turn"] for row in dialogue["replies"]] == [1, 2, 3]
    values = [score.value for score in scores]
    assert dialogue["coherence"] == pytest.approx((np.mean(values) + np.quantile(values, 0.25) / 4) / 1.25, abs=1e-6)


def test_an_existing_file_stays(scored):
    path, to, _, _ = scored
    before = to.read_bytes()
    with pytest.raises(FileExistsError, match=r"out\.jsonl' is there already.*--overwrite"):
        score_file(path, to=to)
    assert to.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", r"in\.jsonl, line 2: is no JSON"),
        ("[1]", "line 2: is a list; allowed is an object"),
        ("{}", "line 2: has no key; allowed are 'ctx' and 'resp', or 'turns'"),
        ('{"ctx": ["a"], "response": "b"}', "the keys 'ctx', 'response'.*Did you mean 'resp' by 'response'"),
        ('{"ctx": ["a"], "resp": "b", "turns": ["a", "b"]}', "allowed are 'ctx' and 'resp', or 'turns'"),
        ('{"ctx": [], "resp": "b"}', "key 'ctx': holds 0 turns; allowed are 1 or more"),
        ('{"ctx": "a", "resp": "b"}', "key 'ctx': is 'a'; allowed is a list"),
        ('{"ctx": ["a"], "resp": 3}', "key 'resp': is 3; allowed is a text"),
        ('{"turns": ["a"]}', "key 'turns': holds 1 turns; allowed are 2 or more"),
        ('{"turns": ["a", null]}', "entry 1 is None"),
        ('{"id": "b \\ud800", "ctx": ["a"], "resp": "b"}', "line 2: is .*ud800.* with half of a character"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(tmp_path, line, message):
    path = tmp_path / "in.jsonl"
    path.write_text(f"{json.dumps(REPLY)}\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        score_file(path, to=tmp_path / "out.jsonl")
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_mark_of_byte_order_is_read_over_and_a_directory_is_no_file_to_write(tmp_path, scored):
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(REPLY), encoding="utf-8-sig")
    with pytest.raises(FileExistsError, match=r"is a directory\. Give a file with --to"):
        score_file(path, to=tmp_path, overwrite=True)
    assert score_file(path, to=tmp_path / "out.jsonl", console=Console(quiet=True)) == 1
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8")) == scored[3][0]


def test_a_file_without_lines_and_a_missing_one(tmp_path):
    (tmp_path / "in.jsonl").write_text("\n\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="holds no line to score"):
        score_file(tmp_path / "in.jsonl", to=tmp_path / "out.jsonl")
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl' is no file"):
        score_file(tmp_path / "none.jsonl", to=tmp_path / "out.jsonl")
    (tmp_path / "in.jsonl").write_bytes(b'{"ctx": ["\xff"]}')
    with pytest.raises(CorpusError, match="is no UTF-8 text"):
        score_file(tmp_path / "in.jsonl", to=tmp_path / "out.jsonl")


def test_twenty_replies_say_whether_the_scorer_knows_them(tmp_path):
    path = tmp_path / "de.jsonl"
    lines = [json.dumps({"ctx": [question], "resp": answer}) for question, answer in exchanges_in("German")]
    printed = []
    for count in (19, 20):
        path.write_text("\n".join(lines[:count]), encoding="utf-8")
        console = Console(file=io.StringIO())
        score_file(path, to=tmp_path / "out.jsonl", overwrite=True, console=console)
        printed.append(console.file.getvalue())
    assert "shuffled" not in printed[0]
    assert "\nThe scorer tells the replies in de.jsonl from shuffled ones with probability 0." in printed[1]
    assert "(20 replies).\nEither many of them do not fit their contexts, or the scorer does not know" in printed[1]
    assert "evolve scorer fit" in printed[1]

"""``evolve scorer validate`` on ratings made from held-out chitchat: true replies get 3, random ones 1."""

import json

import pytest
from rich.console import Console

from experiments.commands.validate_scorer import print_validation, validate_scorer
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.documents import examples_from
from experiments.corpora.splits import documents_in


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    examples = examples_from(documents_in(load_chitchat(domain="talk"), "test"), per_document=1)[:40]
    rows = []
    for number, example in enumerate(examples):
        stranger = examples[(number + 17) % len(examples)].reply
        for reply, rating in ((example.reply, 3), (stranger, 1), (example.context[-1], 0)):
            rows.append({"ctx": list(example.context), "resp": reply, "r": {"Coherence": rating, "Length": len(reply)}})
    path = tmp_path_factory.mktemp("rated") / "made.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_agreement_is_found_with_what_fits_and_not_with_length(path):
    found = validate_scorer(path, criterion="Coherence", resamples=100)
    assert (found["num_replies"], found["num_contexts"]) == (120, 40)
    assert found["spearman"]["value"] > 0.7
    assert found["pairwise_accuracy"]["value"] > 0.85
    assert found["spearman"]["low"] < found["spearman"]["value"] < found["spearman"]["high"]
    assert abs(validate_scorer(path, criterion="Length", resamples=20)["spearman"]["value"]) < 0.4


def test_json_and_table_say_the_same(path, capsys):
    print_validation(path, criterion="Coherence", resamples=50, as_json=True)
    found = json.loads(capsys.readouterr().out)
    console = Console(record=True, width=100, quiet=False)
    print_validation(path, criterion="Coherence", resamples=50, console=console)
    text = console.export_text()
    for key in ("spearman", "pearson", "pairwise_accuracy"):
        assert f"{found[key]['value']:.3f}" in text
    assert found["scorer"] in text


def test_an_unknown_criterion_names_the_closest(path):
    with pytest.raises(
        ValueError, match=r"rated for 'Coherense'; rated are \['Coherence', 'Length'\]\. Did you mean 'Coh"
    ):
        validate_scorer(path, criterion="Coherense")


def test_without_two_replies_to_a_context_there_are_no_pairs(tmp_path):
    path = tmp_path / "single.jsonl"
    rows = [{"ctx": [f"How is week {n}?"], "resp": f"Week {n} is fine.", "r": {"x": n}} for n in range(4)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    console = Console(record=True, width=100)
    print_validation(path, criterion="x", resamples=20, console=console)
    assert "no context has two replies" in console.export_text()

"""What a launch and a dry run say of a scorer that does not know the texts, and when a launch is refused."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from experiments.config import ExperimentConfig, load_experiment
from experiments.config.bundled import BUNDLED_SCORER
from experiments.corpora.documents import Example
from experiments.problems.compositions.scorer_check import ScorerCheck, check_scorer
from tests.experiments.tiny_experiment import evolve, write_experiment
from tests.oracles.exchanges import LANGUAGES, exchanges_in

REMEDIES = ("The bundled scorer knows English only", "fitness.objectives: [nll]", "fitness.scorer: fit")

FIRST_NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Finn", "Greta", "Hans", "Ida", "Jan", "Karl", "Lena", "Max")
LAST_NAMES = ("Becker", "Fischer", "Hoffmann", "Keller", "Meyer", "Schmidt", "Weber")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_experiment(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny experiment on German texts: every question is put to many people, for splits want many documents."""
    path = write_experiment(
        tmp_path_factory.mktemp("german"),
        data={
            "domains": {"talk": {"corpus": "jsonl", "path": "conversations.jsonl"}},
            "prompts": {"search": 100, "validation": 6, "test": 8},
        },
    )
    exchanges = [
        (f"{first} {last}, {question}", answer)
        for question, answer in exchanges_in("German")
        for first, last in product(FIRST_NAMES, LAST_NAMES)
    ]
    text = "".join(json.dumps({"turns": turns}, ensure_ascii=False) + "\n" for turns in exchanges)
    (path.parent / "conversations.jsonl").write_text(text, encoding="utf-8")
    return path


def _check(language: str, config: ExperimentConfig) -> ScorerCheck:
    pairs = enumerate(exchanges_in(language))
    prompts = [
        Example(f"talk/{row}/1", "talk", (question,), answer, f"talk:{row}") for row, (question, answer) in pairs
    ]
    return check_scorer(config, prompts, BUNDLED_SCORER)


@pytest.mark.parametrize("language", LANGUAGES)
def test_coherence_cannot_lead_on_other_languages(language: str, tiny: Path) -> None:
    check = _check(language, load_experiment(tiny))
    assert check.is_refused
    assert check.sentence.startswith("fitness.objectives: 'coherence' leads, but")
    assert "on the texts of talk. The scorer tells human replies from shuffled ones with" in check.sentence
    assert "on the search prompts (20 replies). Allowed is an interval that reaches 0.75" in check.sentence
    for remedy in REMEDIES:
        assert remedy in check.sentence


def test_where_something_else_leads_the_figure_is_a_warning(tiny: Path) -> None:
    check = _check("German", load_experiment(tiny, ["fitness.objectives=[nll, coherence]"]))
    assert not check.is_refused
    assert "(20 replies). That is less than 0.75: read coherence with care." in check.sentence
    assert "fitness.scorer: fit" in check.sentence
    assert "likelihood" not in check.sentence
    fitted = load_experiment(tiny, ["fitness.objectives=[nll]", "fitness.scorer=fit"])
    assert "its embeddings know English only. What you can do: name a sentence-" in _check("German", fitted).sentence
    named = fitted.model_copy(update={"fitness": fitted.fitness.model_copy(update={"embedding": "some/model"})})
    assert _check("German", named).sentence.endswith("fitted to your texts with the embeddings 'some/model'.")


def test_remedies_fit_the_experiment(tiny: Path) -> None:
    front = load_experiment(tiny, ["search.mode=nsga2"])
    assert "(fitness.objectives: [nll, active_parameters])" in _check("German", front).sentence
    fitted = _check("German", load_experiment(tiny, ["fitness.scorer=fit"])).sentence
    assert "This scorer was fitted to your texts" in fitted
    assert "bundled" not in fitted


def test_prompts_without_two_different_replies_are_not_checked(tiny: Path) -> None:
    prompts = [Example("talk/0/1", "talk", ("Do you like soup?",), "Yes, I like it very much.", "talk:0")]
    assert check_scorer(load_experiment(tiny), prompts, BUNDLED_SCORER) == ScorerCheck(
        "The scorer is not checked: no two search prompts of a domain have different replies."
    )


def test_launch_refuses_before_there_is_a_run(german: Path) -> None:
    failed = evolve("launch", german, "--serial", cwd=german.parent, check=False)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: fitness.objectives: 'coherence' leads, but")
    assert "on the search prompts (100 replies)" in failed.stderr
    for remedy in REMEDIES:
        assert remedy in failed.stderr
    assert not (german.parent / "runs").exists()


def test_the_dry_run_says_that_launch_will_refuse(german: Path) -> None:
    printed = evolve("launch", german, "--serial", "--dry-run", cwd=german.parent).stdout
    assert "evolve launch will refuse this experiment. fitness.objectives: 'coherence' leads, but" in printed
    for part in ("GiB", "(100 replies)", *REMEDIES):
        assert part in printed


def test_the_dry_run_of_the_remedy_is_not_refused(german: Path) -> None:
    settings = ("--set", "fitness.objectives=[nll]")
    printed = evolve("launch", german, "--serial", "--dry-run", *settings, cwd=german.parent).stdout
    assert "will refuse" not in printed
    assert "The scorer tells human replies from shuffled ones with probability" in printed
    assert "read coherence with care" in printed


def test_a_scorer_that_is_still_to_be_fitted_is_checked_at_launch(tiny: Path) -> None:
    recipe = "members.catalogue.new={train: {domains: {talk: 1}, tokens: 10000}}"
    settings = ("--set", recipe, "--set", "fitness.scorer=fit")
    printed = evolve("launch", tiny, "--serial", "--dry-run", *settings, cwd=tiny.parent).stdout
    assert "scorer: checked on the search prompts once it is fitted, at launch." in printed

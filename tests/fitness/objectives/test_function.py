"""A user's own function: found, hashed, run, and named in everything that goes wrong."""

from __future__ import annotations

import pickle
import re
import sys
from pathlib import Path

import pytest

from fitness.objectives import FunctionObjective, NonFiniteObjectiveError, ObjectiveError, ObjectiveOperator
from fitness.objectives.testing import ObjectiveContract, scripted_examination
from tests.paths import DOCS

SOURCE = """
import math

IMPORTED = True

def share(examination, *, words):
    return [sum(word in words for word in answer.split()) / len(answer.split()) for answer in examination.answers]

def total(examination):
    return float(len(examination.answers))

def broken(examination):
    raise KeyError("lost")

def undefined(examination):
    return math.nan

def undefined_once(examination):
    return [1.0, math.inf, *[0.0] * (examination.num_prompts - 2)]

def few(examination):
    return [1.0]

def text(examination):
    return ["good"] * examination.num_prompts

def exhausted(examination):
    raise MemoryError("no memory")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "politeness.py").write_text(SOURCE)
    return tmp_path


PAGE = (DOCS / "own-objective.md").read_text(encoding="utf-8")


def test_the_documented_function_and_its_documented_test_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, test = re.findall(
        r"^```python\n# (?:test_)?politeness\.py\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL
    )
    (tmp_path / "politeness.py").write_text(module)
    (tmp_path / "test_politeness.py").write_text(test)
    monkeypatch.chdir(tmp_path)
    assert pytest.main(["-q", "-p", "no:cacheprovider", "test_politeness.py"]) == 0


def made(folder: Path, function: str, **parameters: object) -> FunctionObjective:
    return FunctionObjective.of(
        f"politeness:{function}",
        name="polite",
        direction="maximise",
        unit="share of words",
        directory=folder,
        parameters=parameters,
    )


class TestContractPerPrompt(ObjectiveContract):
    @pytest.fixture(autouse=True)
    def _in(self, folder: Path) -> None:
        self.folder = folder

    def objective(self) -> ObjectiveOperator:
        return made(self.folder, "share", words=["please"])


class TestContractOneNumber(TestContractPerPrompt):
    def objective(self) -> ObjectiveOperator:
        return made(self.folder, "total")


def test_one_number_has_none_per_prompt(folder: Path) -> None:
    measurement = made(folder, "total").measure(scripted_examination(5))
    assert (measurement.value, measurement.per_prompt) == (5.0, None)


def test_it_travels_by_pickle_and_is_imported_only_where_it_is_measured(folder: Path) -> None:
    before = set(sys.modules)
    travelled = pickle.loads(pickle.dumps(made(folder, "total")))  # noqa: S301 (our own bytes)
    assert not any("politeness" in name for name in set(sys.modules) - before)
    assert travelled.measure(scripted_examination(2)).value == 2.0


def test_a_file_does_not_stand_in_for_a_library(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("def draw(examination):\n    return 4.0\n")
    objective = FunctionObjective.of(
        "random:draw", name="r", direction="minimise", unit="none", directory=tmp_path, parameters={}
    )
    assert objective.measure(scripted_examination()).value == 4.0
    import random

    assert hasattr(random, "randint")


def test_an_installed_module_serves_too(tmp_path: Path) -> None:
    objective = FunctionObjective.of(
        "statistics:fmean", name="r", direction="minimise", unit="none", directory=tmp_path, parameters={}
    )
    objective.check()
    assert objective.version.startswith("r/")


def test_source_function_and_parameters_are_in_the_version(folder: Path) -> None:
    versions = {
        made(folder, "share", words=["please"]).version,
        made(folder, "share", words=["thanks"]).version,
        made(folder, "total").version,
    }
    assert len(versions) == 3
    before = made(folder, "total")
    (folder / "politeness.py").write_text(SOURCE + "\n# another thought\n")
    assert made(folder, "total").version != before.version
    with pytest.raises(ObjectiveError, match=r"politeness\.py' was changed since this experiment was started"):
        before.measure(scripted_examination())


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("broken", r"The objective 'polite' \(politeness:broken\) raised KeyError: 'lost'"),
        ("few", r"\(politeness:few\) gave 1 numbers for 7 prompts; allowed is one per prompt"),
        ("text", r"\(politeness:text\) gave 'good'; allowed is a number"),
        ("shore", r"no function 'shore'; its functions are broken, .*Did you mean 'share'\?"),
    ],
)
def test_what_goes_wrong_names_objective_and_function(folder: Path, function: str, message: str) -> None:
    with pytest.raises(ObjectiveError, match=message):
        made(folder, function).measure(scripted_examination())


@pytest.mark.parametrize(("function", "given"), [("undefined", "nan"), ("undefined_once", "inf for prompt 1")])
def test_numbers_that_are_not_finite_are_told_apart(folder: Path, function: str, given: str) -> None:
    with pytest.raises(NonFiniteObjectiveError, match=rf"\(politeness:{function}\) gave {given}"):
        made(folder, function).measure(scripted_examination())


def test_memory_that_ran_out_is_the_machines_fault(folder: Path) -> None:
    with pytest.raises(MemoryError):
        made(folder, "exhausted").measure(scripted_examination())


def test_parameters_are_tried_before_anything_runs(folder: Path) -> None:
    made(folder, "share", words=[]).check()
    with pytest.raises(ObjectiveError, match=r"the parameters \['word'\], but has the signature"):
        made(folder, "share", word=[]).check()


def test_modules_that_are_not_there_or_do_not_import(folder: Path) -> None:
    with pytest.raises(ObjectiveError, match=r"names the module 'rudeness', and there is no such module"):
        FunctionObjective.of(
            "rudeness:share", name="r", direction="minimise", unit="u", directory=folder, parameters={}
        )
    (folder / "bad.py").write_text("1 / 0\n")
    bad = FunctionObjective.of("bad:f", name="r", direction="minimise", unit="u", directory=folder, parameters={})
    with pytest.raises(ObjectiveError, match=r"bad\.py' cannot be imported: ZeroDivisionError"):
        bad.check()

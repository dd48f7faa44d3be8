from __future__ import annotations

import subprocess
import sys

import pytest

from experiments.problems import view_of
from experiments.problems.agents.view import AgentView
from experiments.problems.compositions.view import CompositionView
from experiments.problems.views import PlainView
from genomes.agent.breeding.space import AgentSpace
from tests.experiments.report.made_up import MEMBERS, config, space
from tests.paths import ROOT


def test_the_view_follows_the_kind_of_experiment() -> None:
    assert type(view_of(config())) is CompositionView
    assert type(view_of({"kind": "agent"})) is AgentView
    assert type(view_of({"name": "toy"})) is PlainView


def test_compositions_are_shown_by_members_and_methods() -> None:
    founders = {name: space().to_json(genome) for name, genome in space().founders()}
    view = CompositionView()
    mean, single = founders["uniform-mean"], founders["single:graphs"]
    assert view.summary(single) == "graphs"
    assert view.summary(mean) == "mean(arrays, graphs, talk)"
    assert view.blocks(mean) == {"members": dict.fromkeys(MEMBERS, 1), "methods": {"mean": 1}}
    assert any("member graphs" in words for _, words in view.genes(single))
    picture = view.picture(mean, title="<b>")
    assert picture is not None
    assert "&lt;b&gt;" in picture


def test_agents_are_shown_by_kinds_of_modules() -> None:
    agents = AgentSpace()
    (_, founder), *_ = agents.founders()
    text, view = agents.to_json(founder), AgentView()
    assert "perception" in view.blocks(text)["modules"]
    assert "perception" in view.summary(text)
    assert view.genes(text)[-1][0] == "learning"
    picture = view.picture(text, title="<b>")
    assert picture is not None
    assert "&lt;b&gt;" in picture
    assert picture.count("<g data-module=") == len(founder.modules)


@pytest.mark.parametrize("view", [CompositionView(), AgentView(), PlainView()])
@pytest.mark.parametrize("text", ["", "[1]", '{"schema": "other"}', "no json", '{"nodes": 3}'])
def test_what_cannot_be_read_is_shown_as_it_is(view: PlainView, text: str) -> None:
    assert view.summary(text) == text
    assert view.genes(text) == []
    assert view.picture(text, title="") is None
    assert not any(view.blocks(text).values())


def test_looking_at_a_run_of_any_kind_loads_no_torch() -> None:
    script = (
        "import sys, experiments.commands.status, experiments.problems as problems\n"
        "for kind in problems.PROBLEMS:\n"
        "    problems.problem_of(kind)\n"
        "print(sorted({'torch', 'transformers', 'ray'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout == "[]\n"

"""The documentation of modules and the experiment that it is about: they load, agree, and found agents."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from experiments.config import ExperimentConfig, load_experiment
from experiments.problems.compositions.genome_file import read_genome
from genomes.breeding.limits import MemberInfo
from genomes.breeding.space import CompositionSpace
from genomes.graph.errors import InvalidGenomeError
from tests.experiments.tiny_experiment import ROOT

PAGE = (ROOT / "docs" / "modules.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"^```json\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
EXPERIMENT = ROOT / "experiments" / "modules.yaml"


@pytest.fixture(scope="module")
def config() -> ExperimentConfig:
    return load_experiment(EXPERIMENT)


@pytest.fixture(scope="module")
def space(config: ExperimentConfig) -> CompositionSpace:
    members = {name: MemberInfo(name, "one", 1_600_000, 192) for name in config.members.catalogue}
    return CompositionSpace(
        members,
        methods=config.space.methods,
        roles=dict(config.space.roles),
        max_drafts=config.space.max_drafts,
        max_combiners=config.space.max_combiners,
        max_member_nodes=config.space.max_member_nodes,
        prompt_tokens=config.space.prompt_tokens,
    )


def test_the_experiment_has_three_specialists_and_a_core_that_is_trained_on_their_drafts(
    config: ExperimentConfig,
) -> None:
    roles = config.space.roles
    (core,) = (role for role in roles.values() if role.is_core)
    assert len(core.expects) >= 3
    assert all("text" in roles[name].returns and not roles[name].expects for name in core.expects)
    (member,) = core.members
    upstream = config.members.recipes[member].upstream
    assert upstream is not None
    assert set(upstream.members) == {name for role in core.expects for name in roles[role].members}


def test_a_core_that_reads_all_specialists_is_a_founder(space: CompositionSpace) -> None:
    founders = dict(space.founders())
    assert space.describe(founders["core:core:integrator"])["num_drafts"] == 3
    assert "uniform-mean" in founders


def test_the_example_and_the_roles_of_the_page_are_those_of_the_experiment(
    config: ExperimentConfig, space: CompositionSpace, tmp_path: Path
) -> None:
    path = tmp_path / "agent.json"
    path.write_text(EXAMPLE)
    assert space.describe(read_genome(path, space))["num_drafts"] == 2
    path.write_text(
        EXAMPLE.replace('"target": "core", "kind": "text", "slot": 1', '"target": "graph", "kind": "text", "slot": 1')
    )
    with pytest.raises(InvalidGenomeError, match=r"\[role-inputs\] Member 'graph' \(graphs\) reads 'talk'"):
        read_genome(path, space)
    (shown,) = (block for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL) if "expects" in block)
    for name, role in yaml.safe_load(shown)["space"]["roles"].items():
        declared = config.space.roles[name]
        assert (list(declared.members), declared.marker) == (role["members"], role["marker"])
        assert (list(declared.returns), list(declared.expects)) == (role["returns"], role.get("expects", []))


def test_every_rule_about_roles_is_on_the_page(space: CompositionSpace) -> None:
    from genomes.breeding.space_rules import SPACE_RULES

    assert {rule.name for rule in SPACE_RULES if "role" in rule.name} == set(
        re.findall(r"^\| `([a-z-]*role[a-z-]*)`", PAGE, re.M)
    )
    assert replace(space, max_drafts=1).founders()

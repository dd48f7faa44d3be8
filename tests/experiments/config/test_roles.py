"""Roles of members, and members that are trained for a place in a chain: what an experiment file may say of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from experiments.config import experiment_from_document, load_experiment
from genomes.breeding.roles import Role
from genomes.training.recipes import Upstream
from tests.experiments.config.least import LEAST, problems

ROLES = """\
members:
  catalogue:
    talker: {train: {tokens: 1e6, domains: {talk: 1}, role: talk, parent: generalist}}
    core: {train: {tokens: 1e6, domains: {talk: 1}, role: core, parent: generalist, upstream: {members: [talker]}}}
space:
  roles:
    talk: {members: [talker, generalist], marker: "talk: ", returns: [text, distribution]}
    core: {members: [core], expects: [talk], returns: [distribution]}
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    document = yaml.safe_load(LEAST)
    roles = yaml.safe_load(ROLES.replace("1e6", "1000000"))
    document["members"]["catalogue"] |= roles["members"]["catalogue"]
    path = tmp_path / "modules.yaml"
    path.write_text(yaml.safe_dump({**document, "space": roles["space"]}))
    return path


def test_roles_and_upstream_members_are_read(modules: Path) -> None:
    config = load_experiment(modules)
    assert config.space.roles["core"] == Role(("core",), ("distribution",), expects=("talk",))
    assert config.members.recipes["core"].upstream == Upstream(("talker",))
    assert config.roles_for_upstream("core", "talker") == config.roles_for_upstream("core", "generalist") == ("talk",)
    assert experiment_from_document(config.to_document()) == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("R.talk={members: [talker]}", "R.talk.returns: missing"),
        ("R.talk.returns=[words]", "R.talk.returns[0]: is 'words'; allowed: 'distribution', 'text'"),
        ("R.talk.returns=[]", "R.talk.returns: is []; allowed are 'text', 'distribution', or both"),
        ("R.talk.returns=[distribution]", "R.core: expects 'talk', which returns ['distribution']; drafts need 'text'"),
        ("R.core.expects=[tlak]", "R.core: expects 'tlak', which is no role; .*mean 'talk'?"),
        ("R.talk.expects=[core]", "R.talk: waits for itself|R.talk: expects 'core', which returns ['distribution']"),
        ("R.talk.members=[talker, gen]", "R.talk.members: 'gen' is no member of members.catalogue; allowed: "),
        ("R.talk.members=[core]", "R.talk.members: 'core' is trained for the role 'core'; write role: talk into"),
        ("R.core.members=[generalist]", "C.core.train.role: 'core' does not list 'core'; add it to space.roles.core.m"),
        ("C.core.train.role=croe", "C.core.train.role: 'croe' is no role of space.roles; allowed: .*Did you mean"),
        ("space.max_drafts=0", "space.max_drafts: is 0; the role 'core' needs 1 for the chain talk -> core; raise it"),
        ("C.core.train.upstream.members=[tolker]", "C.core.train.upstream.members: 'tolker' is no member of"),
        ("C.core.train.upstream.members=[]", "C.core.train.upstream.members: is []; allowed are one or more different"),
        ("C.talker.train.upstream={members: [core]}", "C.core.train.upstream: core -> talker -> core is a cycle of"),
        (
            "R.more={members: [generalist], returns: [text]}",
            "C.core.train.upstream.members: 'generalist' plays the roles talk, more, all of which 'core' reads",
        ),
    ],
)
def test_roles_that_do_not_go_together_are_named(modules: Path, override: str, message: str) -> None:
    override, message = (
        re.sub(r"\bR\.", "space.roles.", re.sub(r"\bC\.", "members.catalogue.", text)) for text in (override, message)
    )
    overrides = [override]
    if ".more=" in override:
        overrides += [
            "space.roles.core.expects=[talk, more]",
            "members.catalogue.core.train.upstream={members: [generalist]}",
        ]
    found = "\n".join(problems(modules, *overrides))
    alternatives = [re.escape(one).replace(r"\.\*", ".*") for one in message.split("|")]
    assert re.search("|".join(alternatives), found), found

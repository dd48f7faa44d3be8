"""Members behind gRPC: the tokens of local ones, also where replicas die, and known losses where members stay away."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.export.artifact import write_artifact
from experiments.export.opened import Composite, open_artifact
from experiments.serve.answering import Piece, answer_pieces
from experiments.serve.member_server import MemberServer
from experiments.serve.remote_members import RemoteMembers
from experiments.serve.remote_trunks import Head
from experiments.serve.settings import Limits
from genomes.members.catalogue import MemberCatalogue
from genomes.running.fast_trunk import trunk_of
from genomes.running.pruning import NoMemberLeftError
from genomes.running.trunk import Trunk
from tests.experiments.serve.artifacts import CARD, PROMPT, SECOND, SHAPES, DirectLeases, job, write
from tests.genomes.tiny_architectures import ARCHITECTURES, saved
from tests.genomes.tiny_members import genome_of, member

pytestmark = pytest.mark.filterwarnings("ignore::genomes.running.tolerance.MemberWarning")

LIMITS = Limits(patience_seconds=0.4, absence_seconds=60.0, step_seconds=5.0)
OTHERS = ("gpt2", "llama", "opt", "phi")


class Remote:
    """An artifact whose members have two replicas each, in threads of this process."""

    def __init__(self, directory: Path, limits: Limits = LIMITS) -> None:
        self.composite: Composite
        self.composite, models = open_artifact(directory)
        self.trunks: dict[str, Trunk] = {name: trunk_of(model, key=name) for name, model in models.items()}
        servers = {name: [MemberServer(trunk), MemberServer(trunk)] for name, trunk in self.trunks.items()}
        self.leases = DirectLeases(servers)
        heads = {name: Head(model) for name, model in models.items()}
        self.members = RemoteMembers(self.composite, heads, self.leases, limits)

    def answer(
        self, *prompts: str, stop_after: tuple[int, str, int] | None = None
    ) -> tuple[list[Piece], dict[str, str]]:
        """Answers, and who was dropped; ``stop_after`` = (step, member, replica) ends a replica meanwhile."""
        opened = self.members.open(time.monotonic() + 60)
        dropped = dict(opened.failed)
        pieces = []
        steps = answer_pieces(job(self.composite, *prompts), self.composite, opened.trunks, dropped, threading.Event())
        for number, step in enumerate(steps):
            pieces += step
            if stop_after is not None and number == stop_after[0]:
                self.leases.stop(*stop_after[1:])
        opened.close(dropped)
        return pieces, dropped

    def expected(self, *prompts: str, without: tuple[str, ...] = ()) -> list[Piece]:
        gone = dict.fromkeys(without, "gone")
        steps = answer_pieces(job(self.composite, *prompts), self.composite, self.trunks, gone, threading.Event())
        return [piece for step in steps for piece in step]

    def close(self) -> None:
        for replicas in self.leases.servers.values():
            for server in replicas:
                server.stop()


@pytest.fixture
def nested(folder: Path) -> Iterator[Remote]:
    remote = Remote(write(folder, "nested"))
    yield remote
    remote.close()


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_answers_are_the_local_ones(shape: str, folder: Path) -> None:
    remote = Remote(write(folder, shape))
    assert remote.answer(PROMPT, SECOND) == (remote.expected(PROMPT, SECOND), {})
    assert remote.leases.sessions() == 0
    remote.close()


@pytest.mark.parametrize("shape", ["nested", "drafts of drafts", "prompt gate", "best of"])
def test_a_replica_that_dies_costs_nothing(shape: str, folder: Path) -> None:
    remote = Remote(write(folder, shape))
    expected = remote.expected(PROMPT, SECOND)
    for replica in remote.leases.servers.values():
        assert not replica[1].sessions
    member = remote.composite.program.members[0]
    assert remote.answer(PROMPT, SECOND, stop_after=(2, member, 0)) == (expected, {})
    assert remote.answer(PROMPT, SECOND) == (expected, {})
    assert remote.leases.sessions() == 0
    remote.close()


def test_a_member_that_stays_away_is_dropped_and_not_waited_for_again(nested: Remote) -> None:
    for replica in (0, 1):
        nested.leases.stop("bob", replica)
    pieces, dropped = nested.answer(PROMPT)
    assert pieces == nested.expected(PROMPT, without=("bob",))
    assert list(dropped) == ["bob"]
    asked = nested.leases.num_asked
    pieces, dropped = nested.answer(PROMPT)
    assert pieces == nested.expected(PROMPT, without=("bob",))
    assert list(dropped) == ["bob"]
    assert nested.leases.num_asked == asked + 2  # ada and cleo


def test_a_member_that_dies_meanwhile_is_dropped_from_there_on(nested: Remote) -> None:
    nested.leases.stop("cleo", 1)
    pieces, dropped = nested.answer(PROMPT, stop_after=(2, "cleo", 0))
    expected = nested.expected(PROMPT)
    assert pieces[:3] == expected[:3]
    assert pieces != expected
    assert list(dropped) == ["cleo"]
    assert pieces[-1].finish_reason in ("stop", "length")


def test_a_member_that_comes_back_takes_part_again(folder: Path) -> None:
    remote = Remote(write(folder, "nested"), LIMITS.model_copy(update={"absence_seconds": 1e-6}))
    stopped = set(remote.leases.servers["bob"])
    remote.leases.stopped = stopped
    assert list(remote.answer(PROMPT)[1]) == ["bob"]
    remote.leases.stopped = set()
    assert remote.answer(PROMPT) == (remote.expected(PROMPT), {})
    assert not remote.members.open(time.monotonic() + 1).failed
    remote.close()


def test_nobody_left_is_an_error_that_names_them(nested: Remote) -> None:
    nested.leases.stopped = {server for replicas in nested.leases.servers.values() for server in replicas}
    with pytest.raises(NoMemberLeftError, match=r"'ada'.*no replica.*'bob'.*'cleo'"):
        nested.answer(PROMPT)


def test_a_session_that_a_replica_forgot_is_read_again(nested: Remote) -> None:
    opened = nested.members.open(time.monotonic() + 60)
    steps = answer_pieces(job(nested.composite, PROMPT), nested.composite, opened.trunks, {}, threading.Event())
    pieces = [*next(steps), *next(steps)]
    for server in (server for replicas in nested.leases.servers.values() for server in replicas):
        for session in list(server.sessions):
            server.close(session)
    pieces += [piece for step in steps for piece in step]
    assert pieces == nested.expected(PROMPT)
    opened.close({})


def test_members_of_any_architecture(tmp_path: Path) -> None:
    catalogue = MemberCatalogue({name: saved(tmp_path / name, name, **ARCHITECTURES[name]) for name in OTHERS})
    nodes = {f"m{place}": member(name) for place, name in enumerate(OTHERS)}
    genome = genome_of(nodes, {"c1": ("mean", {}, dict.fromkeys(nodes))})
    write_artifact(genome, catalogue, tmp_path / "artifact", card=CARD)
    remote = Remote(tmp_path / "artifact")
    pieces, dropped = remote.answer(PROMPT, SECOND)
    assert not dropped
    assert pieces == remote.expected(PROMPT, SECOND)
    remote.close()

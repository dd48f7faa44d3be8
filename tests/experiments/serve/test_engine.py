"""Who is let in, how long it may take, and what stops it: with decoding that waits until the test lets it go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

from experiments.export.opened import open_artifact
from experiments.serve.engine import Engine, LocalMembers, Piece, Summary
from experiments.serve.errors import RequestError
from experiments.serve.settings import Limits
from genomes.running.fast_trunk import trunk_of
from genomes.running.trunk import Trunk
from tests.experiments.serve.artifacts import PROMPT, job, write


class GatedMembers:
    """Members that are there once the gate is open; counts what is open."""

    def __init__(self, trunks: Mapping[str, Trunk]) -> None:
        self._members = LocalMembers(trunks)
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.num_closed = 0
        self.trunks, self.failed = trunks, dict[str, str]()

    def open(self, deadline: float) -> GatedMembers:
        self.entered.release()
        self.gate.wait(20)
        return self

    def close(self, dropped: Mapping[str, str]) -> None:
        self.num_closed += 1


@pytest.fixture
def members(folder: Path) -> GatedMembers:
    _, models = open_artifact(write(folder, "mean"))
    return GatedMembers({name: trunk_of(model, key=name) for name, model in models.items()})


def engine_of(folder: Path, members: GatedMembers, **limits: float) -> Engine:
    return Engine(open_artifact(write(folder, "mean"))[0], members, Limits.model_validate(limits))


async def read(engine: Engine) -> list[Piece | Summary]:
    async with aclosing(engine.answer(job(engine.composite, PROMPT))) as events:
        return [event async for event in events]


async def until_idle(engine: Engine) -> None:
    async with asyncio.timeout(20):
        while engine.num_inside:
            await asyncio.sleep(0)


def test_one_more_than_there_is_room_for_is_429(folder: Path, members: GatedMembers) -> None:
    engine = engine_of(folder, members, num_running=1, num_waiting=1)

    async def main() -> None:
        inside = [asyncio.create_task(read(engine)) for _ in range(2)]
        await asyncio.to_thread(members.entered.acquire)
        with pytest.raises(RequestError, match=r"1 requests are waiting already") as refusal:
            await read(engine)
        assert refusal.value.status == 429
        members.gate.set()
        answers = await asyncio.gather(*inside)
        assert [type(answer[-1]) for answer in answers] == [Summary, Summary]
        await until_idle(engine)
        assert await read(engine)

    asyncio.run(main())


def test_a_request_whose_time_is_over_is_408_and_gives_its_place_back(folder: Path, members: GatedMembers) -> None:
    engine = engine_of(folder, members, request_seconds=0.05, num_running=1, num_waiting=1)

    async def main() -> None:
        first, second = asyncio.create_task(read(engine)), asyncio.create_task(read(engine))
        for task in (first, second):
            with pytest.raises(RequestError, match=r"no whole answer within 0\.05 s") as refusal:
                await task
            assert refusal.value.status == 408
        assert engine.num_inside == 1  # The one that waited is gone; the other's thread is still in the gate.
        members.gate.set()
        await until_idle(engine)

    asyncio.run(main())
    assert members.num_closed == 1


def test_a_client_that_goes_away_stops_its_answer(folder: Path, members: GatedMembers) -> None:
    engine = engine_of(folder, members)
    members.gate.set()
    summaries: list[Summary] = []
    engine = Engine(engine.composite, members, Limits(), on_summary=summaries.append)

    async def main() -> None:
        asked = job(engine.composite, PROMPT, max_tokens=80)
        events: AsyncIterator[Piece | Summary] = engine.answer(asked)
        assert isinstance(await anext(events), Piece)
        await events.aclose()  # type: ignore[attr-defined]
        await until_idle(engine)

    asyncio.run(main())
    assert summaries == []
    assert members.num_closed == 1


def test_a_fault_reaches_whoever_asked(folder: Path, members: GatedMembers) -> None:
    members.gate.set()
    members.trunks = {}
    engine = engine_of(folder, members)
    with pytest.raises(KeyError):
        asyncio.run(read(engine))
    assert members.num_closed == 1


def test_the_summary_counts(folder: Path, members: GatedMembers) -> None:
    members.gate.set()
    *pieces, summary = asyncio.run(read(engine_of(folder, members)))
    assert isinstance(summary, Summary)
    assert summary.num_tokens == (sum(len(piece.tokens) for piece in pieces if isinstance(piece, Piece)),)
    assert summary.first_token_seconds is not None
    assert 0 < summary.first_token_seconds <= summary.seconds
    assert summary.dropped == {}

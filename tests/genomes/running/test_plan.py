"""Plans of small programs written by hand, and what holds for plans of any genomes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.graph.nodes import MemberNode
from genomes.graph.program import (
    CombinerValue,
    Draft,
    MemberValue,
    Program,
    Stream,
    build_program,
)
from genomes.graph.serialization import genome_to_json
from genomes.running.plan import Operation, Plan, Writing, plan_programs
from tests.genomes.spaces import SPACE


def program(streams: Sequence[Stream], *values: MemberValue | CombinerValue) -> Program:
    return Program(tuple(streams), values, (False,) * len(values), response={})


def mean(*inputs: int) -> CombinerValue:
    return CombinerValue("mean", inputs, tuple(1 / len(inputs) for _ in inputs), ())


ADA, BOB = Stream("ada", ()), Stream("bob", ())
PAIR = program([ADA, BOB], MemberValue(0, 1.0), MemberValue(1, 1.0), mean(0, 1))


def operations(plan: Plan) -> list[Operation]:
    return [task.operation for task in plan.tasks]


def test_one_program_is_planned_by_stages() -> None:
    plan = plan_programs([PAIR])
    assert operations(plan) == [ADA, BOB, MemberValue(0, 1.0), MemberValue(1, 1.0), mean(2, 3)]
    assert plan.stages == ((0, 1), (2, 3), (4,))
    assert [task.last_use for task in plan.tasks] == [2, 3, 4, 4, 4]


def test_equal_parts_of_two_programs_are_one() -> None:
    other = program([BOB, ADA], MemberValue(0, 1.0), MemberValue(1, 0.5), mean(0, 1))
    plan = plan_programs([PAIR, other])
    assert len(plan.tasks) == 2 + 3 + 2
    assert plan.streams == ((0, 1), (1, 0))
    assert [task.programs for task in plan.tasks[:2]] == [(0, 1), (0, 1)]
    assert plan_programs([PAIR, PAIR]).tasks[-1].programs == (0, 1)


def test_a_draft_is_written_once_for_readers_of_any_length() -> None:
    def reader(num_tokens: int) -> Program:
        return program([ADA, Stream("bob", (Draft(0, ((), (7,)), num_tokens),))], MemberValue(1, 1.0))

    plan = plan_programs([reader(8), reader(16)])
    assert [operation for operation in operations(plan) if isinstance(operation, Writing)] == [Writing(0)]
    readers = [operation for operation in operations(plan) if isinstance(operation, Stream) and operation.drafts]
    assert [reader.drafts[0].max_tokens for reader in readers] == [8, 16]
    # The stream that only writes is freed with its writing, the writing with its last reader.
    assert plan.freed_after(1) == (0,)
    assert 1 in plan.freed_after(plan.tasks[1].last_use)


def test_results_are_never_freed() -> None:
    single = program([ADA], MemberValue(0, 1.0))
    plan = plan_programs([PAIR, single])
    result = plan.values[1][0]
    assert all(result not in plan.freed_after(index) for index in range(len(plan.tasks)))


def test_no_programs_have_an_empty_plan() -> None:
    assert plan_programs([]).stages == ()


def programs(seeds: Sequence[int]) -> list[Program]:
    made = []
    for seed in seeds:
        genome = SPACE.random(rng=np.random.default_rng(seed))
        templates = {name: ([1], [2]) for name in genome.of_type(MemberNode)}
        made.append(build_program(json.loads(genome_to_json(genome)), templates))
    return made


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_plans_of_random_genomes(seeds: list[int]) -> None:
    given_programs = programs(seeds)
    plan = plan_programs(given_programs)
    assert plan == plan_programs(programs(seeds))
    assert len(set(operations(plan))) == len(plan.tasks)
    for index, task in enumerate(plan.tasks):
        assert all(source < index and plan.tasks[source].stage < task.stage for source in task.inputs)
        readers = [place for place, other in enumerate(plan.tasks) if index in other.inputs]
        assert task.last_use == max(readers, default=index)
        assert {number for place in readers for number in plan.tasks[place].programs} <= set(task.programs)
    freed = [place for index in range(len(plan.tasks)) for place in plan.freed_after(index)]
    results = {values[-1] for values in plan.values}
    assert sorted(freed) == sorted(set(range(len(plan.tasks))) - results)
    for own, streams, values in zip(given_programs, plan.streams, plan.values, strict=True):
        assert [plan.tasks[place].operation.member for place in streams] == [one.member for one in own.streams]  # type: ignore[union-attr]
        for value, place in zip(own.values, values, strict=True):
            task = plan.tasks[place]
            if isinstance(value, MemberValue):
                assert task.operation == MemberValue(streams[value.stream], value.temperature)
            else:
                assert task.inputs == tuple(values[source] for source in value.inputs)

"""What a batch of genomes computes together: the union of their programs, equal parts once, in an order to run it in.

A pure function from programs to a schedule. What a task's result is and how it is made is the executor's business:
genomes/running/lockstep/ decodes a plan. No torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from genomes.graph.program import CombinerValue, MemberValue, Program, Stream


@dataclass(frozen=True, slots=True)
class Writing:
    """The text that a stream writes for others to read, greedily; who wants less of it takes its beginning.

    Attributes:
        stream: The task of the stream that writes.
    """

    stream: int


Operation = Stream | Writing | MemberValue | CombinerValue
"""What a task does. Indices in it are those of tasks: the source of a draft is a ``Writing``, the inputs of a value are
values or, for ``MemberValue``, a stream."""


@dataclass(frozen=True, slots=True)
class Task:
    """One part of the union of some programs.

    Attributes:
        operation: What it does.
        inputs: The tasks whose results it reads, in slot order; all of them come earlier.
        stage: 0 where it reads no task, else one more than the latest of its inputs.
        last_use: The last task that reads its result, which may be freed then; the task itself where none does.
        programs: Which of the programs it belongs to, ascending.
    """

    operation: Operation
    inputs: tuple[int, ...]
    stage: int
    last_use: int
    programs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The tasks of some programs, by stages.

    Attributes:
        tasks: Every distinct task once, stages ascending.
        streams: For each program, the task of each of its streams.
        values: For each program, the task of each of its values; the last one is its result and is never freed.
    """

    tasks: tuple[Task, ...]
    streams: tuple[tuple[int, ...], ...]
    values: tuple[tuple[int, ...], ...]

    @property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """The tasks of each stage: they do not read each other, so they may run together."""
        count = 1 + max((task.stage for task in self.tasks), default=-1)
        return tuple(
            tuple(index for index, task in enumerate(self.tasks) if task.stage == stage) for stage in range(count)
        )

    def freed_after(self, index: int) -> tuple[int, ...]:
        """The tasks whose results nobody needs any more once a task has run; never a program's own result."""
        results = {values[-1] for values in self.values}
        return tuple(
            place
            for place in (*self.tasks[index].inputs, index)
            if self.tasks[place].last_use == index and place not in results
        )


def plan_programs(programs: Sequence[Program]) -> Plan:
    """The plan of some programs; equal member names have to mean equal weights.

    Two parts are equal where operation, parameters and inputs are (as in genomes/graph/identity.py, but by content
    instead of by digest). The order is a function of the programs and theirs alone.
    """
    union = _Union()
    for program in programs:
        union.add(program)
    return union.plan()


class _Union:
    """Tasks in the order of their first appearance, inputs first."""

    def __init__(self) -> None:
        self._index: dict[Operation, int] = {}
        self._inputs: list[tuple[int, ...]] = []
        self._programs: list[list[int]] = []
        self._streams: list[tuple[int, ...]] = []
        self._values: list[tuple[int, ...]] = []

    def add(self, program: Program) -> None:
        """Take in the next program."""
        number = len(self._streams)
        streams: list[int] = []
        for stream in program.streams:
            drafts = tuple(
                replace(draft, source=self._task(Writing(streams[draft.source]), (streams[draft.source],), number))
                for draft in stream.drafts
            )
            sources = tuple(draft.source for draft in drafts)
            streams.append(self._task(replace(stream, drafts=drafts), sources, number))
        values: list[int] = []
        for value in program.values:
            if isinstance(value, MemberValue):
                source = streams[value.stream]
                values.append(self._task(replace(value, stream=source), (source,), number))
            else:
                inputs = tuple(values[place] for place in value.inputs)
                values.append(self._task(replace(value, inputs=inputs), inputs, number))
        self._streams.append(tuple(streams))
        self._values.append(tuple(values))

    def plan(self) -> Plan:
        """Everything that was taken in, sorted by stages and numbered anew."""
        stages: list[int] = []
        for inputs in self._inputs:
            stages.append(1 + max((stages[place] for place in inputs), default=-1))
        order = sorted(range(len(stages)), key=stages.__getitem__)
        new = {place: index for index, place in enumerate(order)}
        last_use = {new[place]: new[place] for place in order}
        for place in order:
            for source in self._inputs[place]:
                last_use[new[source]] = max(last_use[new[source]], new[place])
        operations = list(self._index)
        tasks = tuple(
            Task(
                operation=_renumbered(operations[place], new),
                inputs=tuple(new[source] for source in self._inputs[place]),
                stage=stages[place],
                last_use=last_use[new[place]],
                programs=tuple(self._programs[place]),
            )
            for place in order
        )
        return Plan(
            tasks,
            streams=tuple(tuple(new[place] for place in one) for one in self._streams),
            values=tuple(tuple(new[place] for place in one) for one in self._values),
        )

    def _task(self, operation: Operation, inputs: tuple[int, ...], program: int) -> int:
        index = self._index.setdefault(operation, len(self._inputs))
        if index == len(self._inputs):
            self._inputs.append(inputs)
            self._programs.append([])
        if program not in self._programs[index][-1:]:
            self._programs[index].append(program)
        return index


def _renumbered(operation: Operation, new: dict[int, int]) -> Operation:
    match operation:
        case Stream():
            drafts = tuple(replace(draft, source=new[draft.source]) for draft in operation.drafts)
            return replace(operation, drafts=drafts)
        case Writing() | MemberValue():
            return replace(operation, stream=new[operation.stream])
        case CombinerValue():
            return replace(operation, inputs=tuple(new[place] for place in operation.inputs))

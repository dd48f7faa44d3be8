"""The space of compositions as a flat list of parameters, for optimisers that know no graphs.

One combiner over as many slots as the space has member nodes, each empty or a member with temperature and weight; one
draft where the space has drafts; the response's genes. What nests combiners is not in it: that is the price of a flat
space, and a comparison in a space with ``max_combiners: 1`` is the fair one.

Where parameters are limited, the first slot has a member that is within the limit alone, and slots are emptied from the
last on until the genome is within it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from genomes.breeding.editing import Blueprint, Input
from genomes.breeding.genes import WEIGHT, response_with
from genomes.breeding.space import CompositionSpace
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode
from genomes.methods.combiners import METHODS
from genomes.methods.ranges import Gene, Integer, Numbers, Range, Real, defaults_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = "(none)"


class Trial(Protocol):
    """What is asked of ``optuna.Trial``."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number of a range."""
        ...

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """A whole number of a range."""
        ...

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        """One of some values."""
        ...


def genome_of(trial: Trial, space: CompositionSpace) -> Genome:
    """The genome of a trial's parameters; a valid one of the space, whatever they are."""
    group, alone = _members(space)
    blueprint = Blueprint()
    method = trial.suggest_categorical("method", list(space.methods)) if space.max_combiners else None
    has_weights = method is not None and METHODS[method].has_weights
    inputs = []
    for slot in range(space.max_member_nodes if method is not None else 1):
        # The first slot is never empty, so that there is somebody to answer.
        name = trial.suggest_categorical(f"member {slot}", [*group, NOBODY] if slot else alone)
        if name == NOBODY:
            continue
        temperature = float(_suggested(trial, f"temperature {slot}", space.member_temperature))
        node_id = blueprint.add(MemberNode(name, temperature=temperature))
        weight = trial.suggest_float(f"weight {slot}", WEIGHT.low, WEIGHT.high, log=True) if has_weights else None
        inputs.append(Input(node_id, "distribution", weight))
    top = inputs[0].source
    if len(inputs) > 1 and method is not None:
        ranges = METHODS[method].parameters
        parameters = {
            name: allowed.default if isinstance(allowed, Numbers) else _suggested(trial, f"{method} {name}", allowed)
            for name, allowed in sorted(ranges.items())
        }
        top = blueprint.add(CombinerNode(method, parameters), inputs)
    response = {name: _suggested(trial, name, allowed) for name, allowed in space.response_ranges.items()}
    blueprint.add(response_with(response, space), [Input(top, "distribution")])
    while not space.affords(blueprint.genome()):
        blueprint.remove(inputs.pop().source)
        blueprint.tidy()
    plain = blueprint.genome()
    if not space.max_drafts or (writer := trial.suggest_categorical("draft by", [NOBODY, *group])) == NOBODY:
        return plain
    reader = trial.suggest_int("draft for", 0, space.max_member_nodes - 1) % len(inputs)
    length = _suggested(trial, "draft tokens", space.draft_tokens)
    template = trial.suggest_categorical("template", list(space.templates))
    node = blueprint.nodes[inputs[reader].source]
    assert isinstance(node, MemberNode)
    blueprint.nodes[inputs[reader].source] = MemberNode(node.member, temperature=node.temperature, template=template)
    draft = blueprint.add(MemberNode(writer, draft_tokens=int(length)))
    blueprint.inputs[inputs[reader].source].append(Input(draft, "text"))
    drafted = blueprint.genome()
    return plain if space.problems(drafted) else drafted


def founder_choices(space: CompositionSpace) -> Iterator[dict[str, Gene]]:
    """The parameters of the space's founders, as far as the flat space has them."""
    group, alone = _members(space)
    rest: dict[str, Gene] = defaults_of(space.response_ranges)
    rest |= {f"temperature {slot}": space.member_temperature.default for slot in range(space.max_member_nodes)}
    rest |= {f"weight {slot}": WEIGHT.default for slot in range(space.max_member_nodes)}
    if space.max_drafts:
        rest["draft by"] = NOBODY
    nobody = {f"member {slot}": NOBODY for slot in range(1, space.max_member_nodes)}
    for name in alone:
        yield {**rest, **nobody, "method": space.methods[0], "member 0": name}
    if not space.max_combiners or len(group) > space.max_member_nodes:
        return
    founders = dict(space.founders())
    for method in space.methods:
        if f"uniform-{method}" not in founders:
            continue
        genes = {f"{method} {name}": value for name, value in defaults_of(METHODS[method].parameters).items()}
        everybody = {f"member {slot}": name for slot, name in enumerate(group)}
        yield {**rest, **nobody, **everybody, **genes, "method": method}


def _members(space: CompositionSpace) -> tuple[list[str], list[str]]:
    """The members of the most common tokenizer, and those of them that the space allows to answer alone."""
    limit = space.max_active_parameters
    alone = {name for name, member in space.members.items() if limit is None or member.num_parameters <= limit}
    group = max((group for group in space.tokenizer_groups() if not alone.isdisjoint(group)), key=len)
    return group, [name for name in group if name in alone]


def _suggested(trial: Trial, name: str, allowed: Range) -> Gene:
    if isinstance(allowed, Real):
        if allowed.low == allowed.high:
            return allowed.low
        # Four decimals, as in genes that are drawn otherwise.
        number = round(trial.suggest_float(name, allowed.low, allowed.high, log=allowed.is_log), 4)
        return min(max(number, allowed.low), allowed.high)
    if isinstance(allowed, Integer):
        return trial.suggest_int(name, allowed.low, allowed.high)
    chosen: Gene = trial.suggest_categorical(name, list(allowed.options))
    return chosen

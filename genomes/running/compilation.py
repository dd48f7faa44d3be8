"""From a genome to its phenotype: loads and places the members, and says what is computed for every token.

Nothing runs here; phenotype.py answers. Merged members come from merging/, programs from genomes/graph/program.py.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from genomes.graph.genome import Genome
from genomes.graph.meeting import tokenizer_problem
from genomes.graph.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.graph.parts import part_of
from genomes.graph.program import Program, build_program
from genomes.graph.recipe import without_merges
from genomes.graph.serialization import genome_to_json
from genomes.members.placing import copied
from genomes.members.tokenizers import tokenizer_key
from genomes.methods.combiners import ANSWER_COMBINERS
from genomes.running.fast_trunk import PrefillCache, trunk_of
from genomes.running.member_loader import LoadedMember, MemberLoader
from genomes.running.merging.models import MergingCatalogue
from genomes.running.phenotype import Phenotype
from genomes.running.pruning import NoMemberLeftError
from genomes.running.text_format import marker_tokens, template_tokens
from genomes.running.tolerance import MemberWarning


def compile_genome(
    genome: Genome,
    catalogue: MemberLoader,
    *,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
    prefill_cache: PrefillCache | None = None,
    is_tolerant: bool = False,
) -> Phenotype:
    """The phenotype of a valid genome.

    Args:
        genome: A genome that keeps the rules.
        catalogue: Loads its members.
        device: Where it runs, e.g. ``"cuda"``.
        dtype: Arithmetic of the members; distributions are joined in float32.
        prefill_cache: Shares what members make of prompts between genomes; answers are the same without.
        is_tolerant: Answer without members that cannot be loaded or fail later, with a warning that names them. A
            search leaves it off: there a failing member is the genome's failure.

    Raises:
        MergeError: Members are to be merged that cannot be.
        ValueError: Members that meet at token level have different tokenizers or vocabularies, or members have too few
            positions for drafts and answer.
        NoMemberLeftError: Tolerant, and no member can be loaded.
    """
    genome, recipes = without_merges(genome)
    catalogue = MergingCatalogue(catalogue, recipes)
    members, failed = _loaded(genome, catalogue, is_tolerant=is_tolerant)
    if not members:
        raise NoMemberLeftError(f"No member is left to answer: {failed!r}.")
    parts = input_genomes(genome)
    groups = [[node.member for node in part.of_type(MemberNode).values()] for part in parts or [genome]]
    for group in groups:
        if loaded := {name: members[name] for name in sorted(set(group)) if name in members}:
            _check_vocabularies(loaded)
    tokenizer = members[next(name for group in groups for name in group if name in members)].tokenizer
    program = genome_program(genome, tokenizer, catalogue)
    models = {name: _placed(member.model, torch.device(device), dtype) for name, member in members.items()}
    trunks = {
        name: trunk_of(models[name], key=member.key, prefill_cache=prefill_cache) for name, member in members.items()
    }
    tolerated = failed if is_tolerant else None
    inputs = None
    if len({tokenizer_key(member.tokenizer) for member in members.values()}) > 1:
        inputs = []
        for part, group in zip(parts, groups, strict=True):
            if names := [name for name in group if name in members]:
                own = members[names[0]].tokenizer
                inputs.append(
                    Phenotype(genome_program(part, own, catalogue), models, own, trunks=trunks, failed=tolerated)
                )
    return Phenotype(program, models, tokenizer, trunks=trunks, inputs=inputs, failed=tolerated)


def input_genomes(genome: Genome) -> list[Genome]:
    """For a genome that chooses among whole answers, the genomes that write them in slot order; else none."""
    (response_id,) = genome.of_type(ResponseNode)
    (top,) = genome.inputs(response_id)
    node = genome.nodes[top.source]
    if not isinstance(node, CombinerNode) or node.method not in ANSWER_COMBINERS:
        return []
    return [part_of(genome, edge.source) for edge in genome.inputs(top.source)]


def _loaded(
    genome: Genome, catalogue: MemberLoader, *, is_tolerant: bool
) -> tuple[dict[str, LoadedMember], dict[str, str]]:
    """The members, and in a tolerant call why some of them are missing."""
    members: dict[str, LoadedMember] = {}
    failed: dict[str, str] = {}
    for name in sorted({node.member for node in genome.of_type(MemberNode).values()}):
        try:
            members[name] = catalogue.load(name)
        except Exception as error:
            if not is_tolerant:
                raise
            failed[name] = f"{type(error).__name__}: {error}"
            warnings.warn(f"The member {name!r} is left out: {failed[name]}", MemberWarning, stacklevel=3)
    return members, failed


def genome_templates(genome: Genome, tokenizer: PreTrainedTokenizerBase) -> dict[str, tuple[list[int], list[int]]]:
    """The templates of all member nodes as token ids before and after the draft, by node id."""
    return {name: template_tokens(node.template, tokenizer) for name, node in genome.of_type(MemberNode).items()}


def genome_markers(genome: Genome, tokenizer: PreTrainedTokenizerBase, catalogue: MemberLoader) -> dict[str, list[int]]:
    """The markers of all member nodes that have a role, as token ids by node id."""
    roles = {name: node.role for name, node in genome.of_type(MemberNode).items()}
    return {name: marker_tokens(catalogue.marker(role), tokenizer) for name, role in roles.items() if role is not None}


def genome_program(genome: Genome, tokenizer: PreTrainedTokenizerBase, catalogue: MemberLoader) -> Program:
    """The program of a genome over members with this tokenizer; the catalogue knows the markers of its roles."""
    markers = genome_markers(genome, tokenizer, catalogue)
    return build_program(json.loads(genome_to_json(genome)), genome_templates(genome, tokenizer), markers)


_COPIES: WeakKeyDictionary[PreTrainedModel, dict[tuple[torch.device, torch.dtype], PreTrainedModel]] = (
    WeakKeyDictionary()
)


def _placed(model: PreTrainedModel, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """The model itself where it already is there, else a copy that is made once and lives as long as the model."""
    if model.device.type == device.type and device.index in (None, model.device.index) and model.dtype == dtype:
        return model
    copies = _COPIES.setdefault(model, {})
    if (device, dtype) not in copies:
        copies[device, dtype] = copied(model, device=device, dtype=dtype)
    return copies[device, dtype]


def _check_vocabularies(members: Mapping[str, LoadedMember]) -> None:
    remedy = "Let them meet as whole answers (best_of, answer_vote)."
    first, *others = members.values()
    for other in others:
        sizes = first.model.config.vocab_size, other.model.config.vocab_size
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"The members {first.name!r} and {other.name!r} have vocabularies of {sizes[0]} and {sizes[1]} tokens; "
                f"members that meet at token level share a vocabulary. {remedy}"
            )
    keys = {repr(name): tokenizer_key(member.tokenizer) for name, member in members.items()}
    if problem := tokenizer_problem("Members that meet at token level share a tokenizer", keys, remedy):
        raise ValueError(problem)

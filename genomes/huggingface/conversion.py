"""From a genome and its members to a Hugging Face model. Writing it to disk is experiments/export's business."""

from __future__ import annotations

import json

from transformers import GenerationConfig

from genomes.graph.genome import Genome
from genomes.graph.meeting import tokenizer_problem
from genomes.graph.nodes import MemberNode
from genomes.graph.recipe import without_merges
from genomes.graph.serialization import genome_to_json
from genomes.huggingface.configuration_composite import CompositeConfig
from genomes.huggingface.modeling_composite import CompositeForCausalLM
from genomes.members.tokenizers import tokenizer_key
from genomes.running.compilation import genome_markers, genome_templates
from genomes.running.member_loader import MemberLoader
from genomes.running.merging.models import MergingCatalogue
from genomes.running.text_format import MIN_NEW_TOKENS, closing_tokens


def composite_model(genome: Genome, catalogue: MemberLoader) -> CompositeForCausalLM:
    """A genome as a Hugging Face model with its own copy of its members' weights, each member once. What was merged is
    one member like any other.

    Its generation settings are the response node's, so that a plain ``generate`` answers as evolved.

    Raises:
        ValueError: The members have different tokenizers, or vocabularies of different sizes.
    """
    genome, recipes = without_merges(genome)
    catalogue = MergingCatalogue(catalogue, recipes)
    members = {
        name: catalogue.load(name) for name in sorted({node.member for node in genome.of_type(MemberNode).values()})
    }
    keys = {repr(name): tokenizer_key(member.tokenizer) for name, member in members.items()}
    if problem := tokenizer_problem(
        "A Hugging Face model reads the token ids of one tokenizer",
        keys,
        "Such a genome answers through compile_genome; to export it, leave one of the two out.",
    ):
        raise ValueError(problem)
    tokenizer = next(iter(members.values())).tokenizer
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
    }
    closing = closing_tokens(tokenizer)
    config = CompositeConfig(
        members={name: member.model.config.to_diff_dict() for name, member in members.items()},
        graph=json.loads(genome_to_json(genome)),
        templates=genome_templates(genome, tokenizer),
        markers=genome_markers(genome, tokenizer, catalogue),
        closing_token_ids=closing,
        **special,
    )
    model = CompositeForCausalLM(config)
    for name, copy in model.members_by_name.items():
        copy.load_state_dict(members[name].model.state_dict())
    response = config.program().response
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=response["temperature"],
        top_k=response["top_k"],
        top_p=response["top_p"],
        min_new_tokens=MIN_NEW_TOKENS,
        max_new_tokens=response["max_new_tokens"],
        **{**special, "eos_token_id": list(closing)},
    )
    model.eval().requires_grad_(False)
    return model

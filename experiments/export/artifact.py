"""Writing and loading artifacts: directories that hold a genome as an ordinary Hugging Face model.

The card's text is card.py's business, the code that travels along sources.py's.
"""

from __future__ import annotations

import json
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from experiments.export.sources import AUTO_MAP, travelling_sources
from experiments.files import replaced_directory, require_free
from genomes.graph.drawing import draw_genome
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.nodes import CombinerNode, MemberNode
from genomes.graph.serialization import genome_to_json
from genomes.huggingface import CompositeConfig, CompositeForCausalLM
from genomes.huggingface.conversion import composite_model
from genomes.members.quiet import quiet_transformers
from genomes.running.member_loader import MemberLoader
from genomes.running.phenotype import Phenotype

GENOME_FILE = "genome.json"
DRAWING_FILE = "graph.svg"
CARD_FILE = "README.md"

_REMEDY = "Write it with: evolve export RUN --to DIRECTORY"


class ArtifactError(ValueError):
    """A directory that is no artifact, or that cannot be read."""


def write_artifact(
    genome: Genome, catalogue: MemberLoader, directory: Path, *, card: str, overwrite: bool = False
) -> CompositeForCausalLM:
    """Write an artifact in one step: the directory is complete or not there.

    It holds the model (weights shared by several nodes once), its tokenizer, ``genome.json``, a drawing, the card and
    the modelling code, so that it loads with ``trust_remote_code=True`` where this package is not installed.

    Args:
        genome: A valid genome; written in canonical form.
        catalogue: Loads its members.
        directory: Made; its parents too.
        card: Text of ``README.md``.
        overwrite: Replace what is there.

    Returns:
        The model that was written.

    Raises:
        FileExistsError: The directory is there and not empty, and ``overwrite`` is False.
    """
    require_free(directory, overwrite=overwrite)
    genome = canonical_genome(genome)
    model = composite_model(genome, catalogue)
    model.config.auto_map = AUTO_MAP
    tokenizer = catalogue.load(next(iter(genome.of_type(MemberNode).values())).member).tokenizer
    with replaced_directory(directory) as scratch, quiet_transformers():
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        (scratch / GENOME_FILE).write_text(genome_to_json(genome) + "\n", encoding="utf-8")
        (scratch / DRAWING_FILE).write_text(draw_genome(genome), encoding="utf-8")
        (scratch / CARD_FILE).write_text(card, encoding="utf-8")
        methods = {node.method for node in genome.of_type(CombinerNode).values()}
        for name, text in travelling_sources(methods).items():
            (scratch / name).write_text(text, encoding="utf-8")
    return model


def load_artifact(directory: Path) -> tuple[CompositeForCausalLM, PreTrainedTokenizerBase]:
    """The model and tokenizer of an artifact, with this package's code: none of the directory's is run.

    Raises:
        ArtifactError: The directory is no artifact.
    """
    try:
        document = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{directory} is no artifact: its config.json cannot be read ({error}). {_REMEDY}"
        ) from error
    found = document.get("model_type") if isinstance(document, dict) else None
    if found != CompositeConfig.model_type:
        raise ArtifactError(
            f"{directory} holds a model of type {found!r}; an artifact has the type {CompositeConfig.model_type!r}. "
            f"{_REMEDY}"
        )
    try:
        with quiet_transformers():
            model, report = CompositeForCausalLM.from_pretrained(
                directory, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # The Rust side raises bare Exception for damaged files.
        raise ArtifactError(f"The artifact {directory} cannot be read ({error}). {_REMEDY}") from error
    if report["missing_keys"]:
        lacking = sorted(report["missing_keys"])[0]
        raise ArtifactError(f"The weights of the artifact {directory} lack {lacking!r}. {_REMEDY}")
    return model.eval().requires_grad_(False), tokenizer


def artifact_phenotype(model: CompositeForCausalLM, tokenizer: PreTrainedTokenizerBase) -> Phenotype:
    """What ``compile_genome`` gave for the exported genome: answers of equal seeds are the same."""
    return Phenotype(model.config.program(), model.members_by_name, tokenizer)

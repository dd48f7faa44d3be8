"""An artifact that is opened to be asked: its program, tokenizer and sizes, with its members' weights kept apart.

``evolve chat`` and ``evolve serve`` both stand on it; answers are in answering.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from experiments.export.artifact import ArtifactError, load_artifact
from genomes.graph.program import Program
from genomes.huggingface import CompositeConfig
from genomes.running.pruning import rooted
from genomes.running.text_format import closing_tokens, no_text_token
from genomes.running.tolerance import TolerantRuntime
from genomes.running.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Composite:
    """An artifact without its members' blocks.

    Attributes:
        program: What to compute.
        tokenizer: Shared by all members.
        closing: Token ids that end an answer.
        num_positions: The most tokens of prompt and answer together.
        vocabulary_size: Token ids are below it.
        fingerprint: Stands for the artifact's configuration.
    """

    program: Program
    tokenizer: PreTrainedTokenizerBase
    closing: tuple[int, ...]
    num_positions: int
    vocabulary_size: int
    fingerprint: str

    @property
    def no_text(self) -> int:
        """The token that stands for an empty prompt."""
        return no_text_token(self.tokenizer)

    def tokens(self, text: str) -> list[int]:
        """A prompt's token ids."""
        ids = list(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        return ids or [self.no_text]

    def runtime(
        self, trunks: Mapping[str, Trunk], failed: Mapping[str, str], *, root: int | None = None
    ) -> TolerantRuntime:
        """The program over some trunks; ``root`` makes another of its values the response.

        Raises:
            NoMemberLeftError: All members have failed.
        """
        program = self.program if root is None else rooted(self.program, root)
        return TolerantRuntime(program, trunks, closing_tokens=self.closing, failed=failed)


def open_artifact(directory: Path) -> tuple[Composite, dict[str, PreTrainedModel]]:
    """An artifact and its members by name; none of the directory's code is run.

    Raises:
        ArtifactError: The directory is no artifact.
    """
    model, tokenizer = load_artifact(directory)
    config = model.config
    program = config.program()
    composite = Composite(
        program=program,
        tokenizer=tokenizer,
        closing=closing_tokens(tokenizer),
        num_positions=config.max_position_embeddings,
        vocabulary_size=config.vocab_size,
        fingerprint="fp_" + hashlib.sha256(config.to_json_string(use_diff=False).encode()).hexdigest()[:12],
    )
    return composite, {name: model.members_by_name[name] for name in program.members}


def member_names(directory: Path) -> tuple[str, ...]:
    """The members that an artifact's program uses, without loading them.

    Raises:
        ArtifactError: The directory is no artifact.
    """
    try:
        config = CompositeConfig.from_pretrained(directory, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"The artifact {directory} cannot be read ({error}).") from error
    if not config.graph:
        raise ArtifactError(f"{directory} holds no composite. Write one with: evolve export RUN --to DIRECTORY")
    names: tuple[str, ...] = config.program().members
    return names

"""The directory of a unified model: a plain GPT-2 with its tokenizer, what the report says, and a card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import yaml
from transformers import GenerationConfig

from experiments.export.artifact import GENOME_FILE
from experiments.files import replaced_directory, write_json
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.unify.merged import Unified
from experiments.unify.modules import marked_modules, marker_table
from experiments.unify.report import UnifiedReport, measure_unified
from fitness.statistics import interval_text
from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome, genome_key
from genomes.graph.nodes import ResponseNode
from genomes.graph.serialization import genome_to_json
from genomes.members.quiet import quiet_transformers
from genomes.running.text_format import MIN_NEW_TOKENS, closing_tokens

REPORT_FILE = "report.json"
CARD_FILE = "README.md"

_USE = """## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("DIRECTORY")
tokenizer = AutoTokenizer.from_pretrained("DIRECTORY")
turns = ["hello there", "hi, how are you?"]
inputs = tokenizer("\\n".join(turns) + "\\n", return_tensors="pt")
answer = model.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
print(tokenizer.decode(answer, skip_special_tokens=True).strip())
```

Every turn stands on a line of its own and the answer is one line.
"""

_MARKERS = {
    "distilled": "With a marker in front it answers as one module of the composition, without one as the whole: half "
    "of its training texts had one.",
    "merged": "Modules of the composition read these markers. Merging teaches nothing: the table says what a marker "
    "still does.",
}
_USE_OF_MARKERS = """`config.json` has them with their token ids. Put these in front and not the text, whose last space
would become part of the first word.

```python
import torch

marker = torch.tensor([model.config.markers["ROLE"]["token_ids"]])
tokens = torch.cat([marker, inputs["input_ids"]], dim=1)
answer = model.generate(tokens, attention_mask=torch.ones_like(tokens))[0, tokens.shape[1] :]
```

NLL on the test prompts in nats per token, lower is better; of a role with several modules the marker stands for their
mean.
"""


def write_unified(genome: Genome, unified: Unified, to: Path, prepared: PreparedCompositions) -> UnifiedReport:
    """Write a unified model in one step: the directory is complete or not there.

    What is scored for the report is the model as it was read back from the files.

    Args:
        genome: The composition that it stands for.
        unified: The model.
        to: Directory to write; replaced where it is there.
        prepared: Members, prompts and scorer.
    """
    genome = canonical_genome(genome)
    unified.model.generation_config = _generation_config(genome, unified)
    markers = marker_table(marked_modules(genome, prepared.catalogue), unified.tokenizer)
    if markers:
        unified.model.config.markers = markers
    elif hasattr(unified.model.config, "markers"):  # Of a member that is a unified model itself.
        del unified.model.config.markers
    with replaced_directory(to) as scratch, quiet_transformers():
        unified.model.save_pretrained(scratch)
        unified.tokenizer.save_pretrained(scratch)
        report = measure_unified(genome, scratch, prepared, notes=unified.notes)
        (scratch / GENOME_FILE).write_text(genome_to_json(genome) + "\n", encoding="utf-8")
        write_json(scratch / REPORT_FILE, asdict(report))
        (scratch / CARD_FILE).write_text(_card(genome, unified, report, prepared), encoding="utf-8")
    return report


def _generation_config(genome: Genome, unified: Unified) -> GenerationConfig:
    (response,) = genome.of_type(ResponseNode).values()
    tokenizer = unified.tokenizer
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return GenerationConfig(
        do_sample=True,
        temperature=response.temperature,
        top_k=response.top_k,
        top_p=response.top_p,
        min_new_tokens=MIN_NEW_TOKENS,
        max_new_tokens=response.max_new_tokens,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=list(closing_tokens(tokenizer)),
        pad_token_id=pad,
    )


def _card(genome: Genome, unified: Unified, report: UnifiedReport, prepared: PreparedCompositions) -> str:
    header = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["composite-evolve", unified.model.config.model_type, unified.kind],
    }
    lines = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
        f"# {prepared.config.name}, as one model\n",
        f"A composition of language models as one plain `{type(unified.model).__name__}`.",
        *unified.notes,
        "",
        _USE,
        *_marker_lines(unified, report),
        "## What was kept\n",
        f"On {report.num_test_prompts} test prompts, with 95 % bootstrap intervals over documents; differences are "
        f"paired. The last column compares {report.num_train_prompts} prompts of the training split with as many of "
        "the validation split: a larger gap than the composite's is a sign of overfitting.\n",
        "| | coherence ↑ | minus composite's | NLL ↓ (nats/token) | minus composite's | NLL, validation - train |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.label} | "
        + " | ".join(
            interval_text(interval, form)
            for interval, form in (
                (row.coherence, ".3f"),
                (row.coherence_kept, "+.3f"),
                (row.nll, ".3f"),
                (row.nll_lost, "+.3f"),
                (row.gap, "+.3f"),
            )
        )
        + " |"
        for row in report.rows
    ]
    lines += [
        "",
        f"## Origin\n\n- Experiment `{prepared.config.name}`, seed {prepared.config.seed}\n"
        f"- Genome `{genome_key(genome)}`, in `{GENOME_FILE}`\n",
        "## Limits\n\nSmall models: answers are short and often wrong. Coherence is an automatic score and says "
        "nothing of truth or safety. The members' licences apply to the weights.\n",
    ]
    return "\n".join(lines)


def _marker_lines(unified: Unified, report: UnifiedReport) -> list[str]:
    """The card's section on markers: how to use them, which there are, and what each of them does."""
    if not report.modules:
        return []
    lines = [
        f"## Markers\n\n{_MARKERS[unified.kind]} {_USE_OF_MARKERS}",
        "| role | marker | what it gives | module | this model, marked | minus module's | unmarked, minus module's |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in report.modules:
        numbers = (
            interval_text(interval, form)
            for interval, form in (
                (row.nll, ".3f"),
                (row.nll_marked, ".3f"),
                (row.nll_lost, "+.3f"),
                (row.nll_unmarked_lost, "+.3f"),
            )
        )
        marker = json.dumps(row.marker).replace("|", "\\|")  # A bar would end the cell.
        lines.append(f"| {row.role} | `{marker}` | {row.gives} | {' | '.join(numbers)} |")
    return [*lines, ""]

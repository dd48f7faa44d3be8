"""The model card of an artifact: what it is, how well it does and how it came about, as Markdown for a hub.

Every number comes from the run; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import yaml

from evolve.state import RunState
from experiments.config.compositions import ExperimentConfig
from experiments.problems.compositions.front import Front
from experiments.problems.compositions.results import Results
from experiments.problems.compositions.table import verdict
from fitness.objectives import REPORTED
from fitness.statistics import count_text, interval_text, number_text, p_value_text
from genomes.graph.genome import Genome
from genomes.graph.identity import genome_key
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode, ResponseNode
from genomes.graph.serialization import genome_from_json
from genomes.methods.combiners import METHODS
from genomes.methods.merging import MERGES

_LONGEST_LINEAGE = 12

_USE = """## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("DIRECTORY", trust_remote_code=True)
tokenizer = AutoTokenizer.from_pretrained("DIRECTORY", trust_remote_code=True)
turns = ["hello there", "hi, how are you?"]
inputs = tokenizer("\\n".join(turns) + "\\n", return_tensors="pt")
answer = model.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
print(tokenizer.decode(answer, skip_special_tokens=True).strip())
```

Every turn stands on a line of its own and the answer is one line. `generate` uses the decoding settings of the
composition. With the package `composite-evolve` installed, `import genomes.huggingface` replaces `trust_remote_code`,
and `evolve chat DIRECTORY` talks with it.
"""


def model_card(
    genome: Genome,
    *,
    config: ExperimentConfig,
    state: RunState,
    results: Results | None,
    front: Front | None,
    libraries: Mapping[str, str],
) -> str:
    """The text of ``README.md`` for a composition of a run.

    Args:
        genome: What was exported.
        config: The experiment.
        state: The run's state at its end.
        results: The final comparison; without one the card says that there was none.
        front: The measured Pareto front, which has the scores of those that did not win.
        libraries: Versions that the run was started with.
    """
    key = genome_key(genome)
    is_winner = results is not None and genome_key(genome_from_json(results.winner.genome)) == key
    scores = _scores(results) if results is not None and is_winner else _scores_beside_the_winner(key, state, front)
    return _card(
        genome,
        config=config,
        found="found by evolution",
        scores=scores,
        origin=_origin(genome, config, state),
        libraries=libraries,
    )


def hand_written_card(genome: Genome, *, config: ExperimentConfig, libraries: Mapping[str, str]) -> str:
    """The text of ``README.md`` for a composition that somebody wrote.

    Args:
        genome: What was exported.
        config: The experiment that has its members.
        libraries: Versions that it was written with.
    """
    scores = "## Scores\n\nNot measured. `evolve genome evaluate genome.json --members EXPERIMENT.yaml` scores it.\n"
    origin = (
        f"## Origin\n\n- Written by hand, over the members of the experiment `{config.name}`\n"
        f"- Genome `{genome_key(genome)}`, in `genome.json`\n"
    )
    return _card(genome, config=config, found="written by hand", scores=scores, origin=origin, libraries=libraries)


def _card(
    genome: Genome, *, config: ExperimentConfig, found: str, scores: str, origin: str, libraries: Mapping[str, str]
) -> str:
    """Markdown under the YAML header that the Hugging Face hub reads."""
    header = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["composite-evolve", "ensemble", "neuroevolution", "custom_code"],
    }
    sections = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n",
        f"# {config.name}\n\nA composition of {_counted(len(genome.of_type(MemberNode)), 'member')}, "
        f"{found} and exported as one causal language model.\n\n![The composition](graph.svg)\n",
        _USE,
        _composition(genome),
        scores,
        origin,
        _limits(),
        "## Versions\n\n" + ", ".join(f"{name} {version}" for name, version in sorted(libraries.items())) + "\n",
    ]
    return "\n".join(sections)


def _composition(genome: Genome) -> str:
    lines = ["## Composition", "", "| node | what | reads |", "| --- | --- | --- |"]
    for node_id, node in genome.nodes.items():
        match node:
            case MemberNode() if genome.gives_weights(node_id):
                what = f"member `{node.member}`, which lends its weights"
            case MemberNode():
                what = f"member `{node.member}`, temperature {node.temperature:g}"
            case CombinerNode():
                genes = "".join(
                    f", {name} {value}" for name, value in node.parameters.items() if not isinstance(value, tuple)
                )
                what = f"{node.method}{genes}: {METHODS[node.method].formula}".replace("|", "\\|")
            case MergeNode():
                genes = "".join(f", {name} {value}" for name, value in node.parameters.items())
                genes += f", base `{node.base}`" if node.base else ""
                genes += "".join(f", in {group} {dict(factors)}" for group, factors in node.layers.items())
                what = f"{node.method}{genes}, temperature {node.temperature:g}: {MERGES[node.method].formula}"
            case ResponseNode():
                what = (
                    f"sampling at temperature {node.temperature:g}, top-k {node.top_k}, top-p {node.top_p:g}, at most "
                    f"{node.max_new_tokens} tokens"
                )
            case _:
                continue
        reads = ", ".join(
            edge.source + ("" if edge.weight is None else f" (weight {edge.weight:g})")
            for edge in genome.inputs(node_id)
        )
        lines.append(f"| {node_id} | {what} | {reads} |")
    return "\n".join(lines) + "\n"


def _scores_beside_the_winner(key: str, state: RunState, front: Front | None) -> str:
    """What is known of a composition that was not the winner on the test prompts."""
    lines = ["## Scores", "", "This is not the winner of a final comparison, and was not measured on test prompts."]
    individual = state.individuals.get(key)
    member = next((one for one in front.members if one.key == key), None) if front is not None else None
    if individual is not None:
        lines += ["", "| objective | search, mean over replicates | validation |", "| --- | --- | --- |"]
        for name, value in individual.results.means.items():
            validation = interval_text(member.validation[name], number_text) if member is not None else ""
            lines.append(f"| {name} | {number_text(value)} | {validation} |")
    return "\n".join(lines) + "\n"


def _scores(results: Results) -> str:
    further = [objective for objective in results.objectives if objective.name not in REPORTED]
    names = "".join(f" {objective.heading} |" for objective in further)
    lines = [
        "## Scores",
        "",
        f"On the test split, which neither the search nor the choice of the winner saw: {results.extent}. Intervals "
        "are 95 % bootstrap intervals over documents; gains are paired, p-values are Holm-corrected.",
        "",
        f"| | coherence ↑ |{names} winner's gain | p | NLL ↓ (nats/token) | active parameters/token | answers asked |",
        "| --- |" + " --- |" * (6 + len(further)),
    ]
    for row in results.rows:
        values = "".join(f" {interval_text(row.objectives[objective.name], number_text)} |" for objective in further)
        gain, p_value = interval_text(row.winner_gain, "+.3f"), p_value_text(row.winner_gain_p)
        lines.append(
            f"| {row.label} | {interval_text(row.coherence)} |{values} {gain} | {p_value} | "
            f"{interval_text(row.nll, '.2f')} | {row.active_parameters:,.0f} | {count_text(row.answers)} |"
        )
    lines += ["", f"Human replies to the same prompts score {results.human_coherence:.3f}.", "", verdict(results), ""]
    for sample in results.samples:
        lines += [f"> {sample.context[-1]}", ""]
        lines += [f"- {label}: {answer or '(no words)'}" for label, answer in sample.answers.items()]
        lines += [f"- human: {sample.human}", ""]
    return "\n".join(lines)


def _origin(genome: Genome, config: ExperimentConfig, state: RunState) -> str:
    key = genome_key(genome)
    lines = [
        "## Origin",
        "",
        f"- Experiment `{config.name}`, seed {config.seed}, configuration `{config.config_hash}`",
        f"- Search: {config.search.mode}; {state.num_births} births, {state.num_evaluations} evaluations of "
        f"{_counted(config.fitness.prompts_per_evaluation, 'prompt')}, {state.elapsed_seconds:.0f} s",
        f"- Genome `{key}`, in `genome.json`",
    ]
    individual = state.individuals.get(key)
    by_id = state.ancestors | {one.id: one for one in state.individuals.values()}
    line = []
    while individual is not None:
        line.append(f"{individual.id} ({individual.operator})")
        individual = by_id.get(individual.parents[0]) if individual.parents else None
    if line:
        shown = " ← ".join(islice(line, _LONGEST_LINEAGE)) + (" ← …" if len(line) > _LONGEST_LINEAGE else "")
        lines.append(f"- Lineage (first parents): {shown}")
    return "\n".join(lines) + "\n"


def _limits() -> str:
    return (
        "## Limits\n\nSmall models: answers are short and often wrong. Coherence is an automatic score of how well an "
        "answer follows its context; it says nothing of truth or safety. The members' licences apply to the weights.\n"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

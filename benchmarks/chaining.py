"""What chaining and gating gain in likelihood: modules and cores of ``experiments/modules.yaml`` on its test prompts.

    python benchmarks/chaining.py [--experiment experiments/modules.yaml] [--prompts 120]

The control of the core is ``soloist``: the same recipe without ``upstream``, trained on as many tokens of the same
domains. It prints each composition's NLL with its 95 % bootstrap interval, the active parameters, and the paired
differences to the soloist and to the mean of the specialists; a negative difference is a gain.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.config import ExperimentConfig, load_experiment
from experiments.corpora.documents import Example
from experiments.corpora.panels import load_documents, panels_of
from experiments.problems.compositions.fitting import fitter_on
from experiments.problems.compositions.members.training import member_catalogue
from fitness.statistics import Sample, bootstrap_difference, bootstrap_interval, interval_text
from genomes.breeding.editing import Blueprint, Input
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.members.catalogue import MemberCatalogue
from genomes.running.compilation import compile_genome

CONTROL = (
    "members.catalogue.soloist={train: {role: solo, domains: {conversation: 1, graphs: 1, arrays: 1},"
    " parent: generalist, tokens: 400000, batch_size: 16, learning_rate: 1e-3, seed: 4}}",
    'space.roles.solo={members: [soloist], marker: "alone: ", returns: [distribution]}',
)
SPECIALISTS = {"conversation": "talker", "graphs": "reader", "arrays": "counter"}
GATE = {"active": 1, "buckets": 256, "decay": 0.001, "numbers": ()}


def compositions() -> dict[str, Genome]:
    """The genomes by what they are called in the table."""
    specialists = {role: MemberNode(name, role=role, draft_tokens=12) for role, name in SPECIALISTS.items()}
    core = MemberNode("integrator", role="core")
    return {
        "generalist": chain(MemberNode("generalist")),
        "soloist": chain(MemberNode("soloist", role="solo")),
        "generalist reads 3 drafts": chain(MemberNode("generalist"), *specialists.values()),
        **{f"core reads {role}": chain(core, node) for role, node in specialists.items()},
        "core reads 3 drafts": chain(core, *specialists.values()),
        "mean of 3": joined(specialists.values(), CombinerNode("mean")),
        "prompt_gate of 3, 1 active": joined(specialists.values(), CombinerNode("prompt_gate", GATE)),
    }


def chain(reader: MemberNode, *writers: MemberNode) -> Genome:
    """A member that reads the drafts of some others and answers."""
    blueprint = Blueprint()
    return answering(blueprint, blueprint.add(reader, [Input(blueprint.add(writer), "text") for writer in writers]))


def joined(members: Iterable[MemberNode], combiner: CombinerNode) -> Genome:
    """Members in a combiner, with equal weights where it has any."""
    blueprint = Blueprint()
    weight = None if combiner.method == "mean" else 1.0
    inputs = [Input(blueprint.add(member), "distribution", weight) for member in members]
    return answering(blueprint, blueprint.add(combiner, inputs))


def answering(blueprint: Blueprint, source: str) -> Genome:
    """The genome in which one node answers."""
    blueprint.add(ResponseNode(0.6, 10, 0.9, 24), [Input(source, "distribution")])
    return blueprint.genome()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", type=Path, default=Path("experiments/modules.yaml"))
    parser.add_argument("--prompts", type=int, default=120, help="test prompts")
    arguments = parser.parse_args()
    config = load_experiment(arguments.experiment, [*CONTROL, f"data.prompts.test={arguments.prompts}"])
    documents = load_documents(config.data)
    panels = {str(split): panel for split, panel in panels_of(config.data, documents).items()}
    catalogue = member_catalogue(config, documents, is_serial=True)
    examples = panels["test"]
    nlls, parameters = measured(catalogue, panels["search"], examples)
    print_table(nlls, parameters, config, examples)


def measured(
    catalogue: MemberCatalogue, search: Sequence[Example], examples: Sequence[Example]
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Nats per token of every human reply, and the active parameters, by composition."""
    fitter = fitter_on(search, catalogue)
    contexts, replies = [one.context for one in examples], [one.reply for one in examples]
    nlls, parameters = {}, {}
    for name, genome in compositions().items():
        phenotype = compile_genome(fitter.fitted(genome), catalogue)
        likelihoods = phenotype.reply_likelihoods(contexts, replies)
        nlls[name] = np.array([one.nll_nats / one.num_tokens for one in likelihoods])
        parameters[name] = phenotype.active_parameters_per_token
    return nlls, parameters


def print_table(
    nlls: Mapping[str, np.ndarray], parameters: Mapping[str, int], config: ExperimentConfig, examples: Sequence[Example]
) -> None:
    """A row per composition; domains apart in the last columns."""
    domains = list(config.data.domains)
    print(f"{len(examples)} prompts\n")
    print(f"| composition | NLL | parameters | less soloist | less mean of 3 | {' | '.join(domains)} |")
    print("|---" * (5 + len(domains)) + "|")
    groups = [one.group for one in examples]
    samples = {name: Sample.grouped(nll, groups) for name, nll in nlls.items()}
    for name, nll in nlls.items():
        rows = [nll[[one.domain == domain for one in examples]].mean() for domain in domains]
        cells = [
            name,
            interval_text(bootstrap_interval(samples[name])),
            f"{parameters[name] / 1e6:.2f} M",
            *(
                interval_text(bootstrap_difference(samples[name], samples[other]), "+.3f") if name != other else "–"
                for other in ("soloist", "mean of 3")
            ),
            *(f"{value:.3f}" for value in rows),
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

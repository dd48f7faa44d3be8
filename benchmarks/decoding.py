"""What does decoding a composite cost beside decoding its members? ``python benchmarks/decoding.py ARTIFACT...``

Greedy texts of a fixed length, one thread, every way in turns. Two runtimes: ``generate()`` of the exported model,
whose members transformers runs, and the engine's own (``evolve chat``, ``evolve serve --local``, the search). For each:
the composite, each member that it uses alone, and their sum; and for ``generate()`` the naive loop that keeps no keys
and values. Times are CPU seconds of this process, the best of all rounds, so that other load on the machine counts
little. The target is a composite that takes at most 1.15 times the sum of its members.

A small member that decodes alone keeps its weights in the processor's cache, which several members do not: "members in
turns" decodes each member's own text, one token of each after the other, so that caches are as they are in a composite.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from rich.console import Console
from rich.table import Table
from transformers import PreTrainedModel
from transformers.utils import logging

from experiments.export.artifact import load_artifact
from experiments.export.opened import open_artifact
from genomes.graph.program import MemberValue
from genomes.running.decoding import Decoding, DecodingSettings
from genomes.running.fast_trunk import trunk_of

PROMPT = "What do you like to do in the evening?\nI like to read books about the sea.\n"

TURNS = "members in turns"
Timing = tuple[float, float]  # CPU seconds of the whole text, and to the first token.
Way = Callable[[], Timing]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifacts", type=Path, nargs="+")
    parser.add_argument("--tokens", type=int, default=64, help="length of every text")
    parser.add_argument("--rows", type=int, default=1, help="texts that are decoded together")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    for artifact in arguments.artifacts:
        ways = {
            "generate()": generating(artifact, arguments.rows, arguments.tokens),
            "engine": answering(artifact, arguments.rows, arguments.tokens),
        }
        measured = {(group, name): [] for group, members in ways.items() for name in members}
        for number in range(arguments.rounds + 2):
            for group, name in measured:
                timing = ways[group][name]()
                if number >= 2:  # The first ones warm up.
                    measured[group, name].append(timing)
        show(
            artifact,
            {place: tuple(map(min, zip(*timings, strict=True))) for place, timings in measured.items()},
            arguments,
        )


def generating(artifact: Path, num_rows: int, num_tokens: int) -> dict[str, Way]:
    """``generate()`` of the composite and of each of its members; the composite's also without a cache."""
    model, tokenizer = load_artifact(artifact)
    program = model.config.program()
    models: dict[str, PreTrainedModel] = {"composite": model}
    models |= {name: model.members_by_name[name] for name in program.members}
    tokens = tokenizer([PROMPT] * num_rows, return_tensors="pt")["input_ids"]
    settings = {"do_sample": False, "min_new_tokens": num_tokens, "max_new_tokens": num_tokens}
    settings |= {"pad_token_id": 0, "attention_mask": torch.ones_like(tokens)}

    def way(one: PreTrainedModel, **further: bool) -> Way:
        def generate() -> Timing:
            streamer = FirstToken()
            watch = {"streamer": streamer} if num_rows == 1 else {}
            start = time.process_time()
            one.generate(tokens, **settings, **watch, **further)
            end = time.process_time()
            return end - start, (streamer.times[1] if watch else end) - start

        return generate

    ways = {name: way(one) for name, one in models.items()}
    if not program.needs_prompt:
        ways["naive loop"] = way(model, use_cache=False)
    return ways


class FirstToken:
    """A streamer that notes when tokens come; the first that it is given are the prompt's."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, tokens: torch.Tensor) -> None:
        self.times.append(time.process_time())

    def end(self) -> None:
        pass


def answering(artifact: Path, num_rows: int, num_tokens: int) -> dict[str, Way]:
    """The engine's decoding of the composite and of each of its members."""
    composite, models = open_artifact(artifact)
    trunks = {name: trunk_of(model, key=name) for name, model in models.items()}
    roots: dict[str, int | None] = {"composite": None}
    for index, value in enumerate(composite.program.values):
        if isinstance(value, MemberValue):
            roots.setdefault(composite.program.streams[value.stream].member, index)
    settings = DecodingSettings(temperature=0, top_k=0, top_p=1.0, max_tokens=num_tokens)
    prompts = [composite.tokens(PROMPT)] * num_rows

    def way(root: int | None) -> Way:
        runtime = composite.runtime(trunks, {}, root=root)

        def steps() -> Iterator[object]:
            return Decoding(prompts, range(num_rows), settings, closing=()).run(runtime)

        def answer() -> Timing:
            start = time.process_time()
            times = [time.process_time() for _ in steps()]
            return times[-1] - start, times[0] - start

        return answer

    def in_turns() -> Timing:
        runtimes = [composite.runtime(trunks, {}, root=root) for root in roots.values() if root is not None]
        start = time.process_time()
        texts = [Decoding(prompts, range(num_rows), settings, closing=()).run(runtime) for runtime in runtimes]
        times = [time.process_time() for _ in zip(*texts, strict=True)]
        return times[-1] - start, times[0] - start

    return {name: way(root) for name, root in roots.items()} | {TURNS: in_turns}


def show(artifact: Path, best: dict[tuple[str, str], Timing], arguments: argparse.Namespace) -> None:
    count, rows = arguments.tokens, arguments.rows
    table = Table(title=f"{artifact.name}: {rows} text(s) of {count} tokens")
    for heading in ("runtime", "", "ms", "first token ms", "tokens/s", "times the members' sum"):
        table.add_column(heading, justify="left" if heading in ("runtime", "") else "right")
    for group in ("generate()", "engine"):
        names = [name for place, name in best if place == group]
        members = [name for name in names if name not in ("composite", "naive loop", TURNS)]
        total = sum(best[group, name][0] for name in members)
        for name in names:
            seconds, first = best[group, name]
            shown = f"{seconds / total:.2f}" if name not in members else ""
            first_text = f"{first * 1e3:.1f}" if rows == 1 or group == "engine" else ""
            table.add_row(group, name, f"{seconds * 1e3:.1f}", first_text, f"{rows * count / seconds:.0f}", shown)
        table.add_row(group, "sum of members", f"{total * 1e3:.1f}", "", "", "1.00", end_section=True)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()

"""``evolve chat``: talk with an exported composite in the terminal, or let scripts pipe prompts into it."""

from __future__ import annotations

import sys
from pathlib import Path


def chat_with(artifact: Path, *, prompt: str | None, seed: int) -> None:
    """Answer one prompt, or every line of standard input as a conversation.

    Args:
        artifact: Directory that ``evolve export`` wrote; none of its code is run.
        prompt: A single prompt; its answer is printed and the call returns.
        seed: Seed of sampled answers; turn n of a conversation uses ``seed + n``.

    Raises:
        ArtifactError: The directory is no artifact.
    """
    from experiments.export.artifact import answer_with_artifact, load_artifact

    model, tokenizer = load_artifact(artifact)
    if prompt is not None:
        print(answer_with_artifact(model, tokenizer, [prompt], seed=seed))
        return
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        print("Type a line to talk, an empty line or Ctrl-D to leave.")
    context: list[str] = []
    while True:
        if is_terminal:
            print("you> ", end="", flush=True)
        line = sys.stdin.readline().strip()
        if not line:
            return
        context.append(line)
        answer = answer_with_artifact(model, tokenizer, context, seed=seed + len(context) // 2)
        context.append(answer)
        print(f"composite> {answer}" if is_terminal else answer, flush=True)

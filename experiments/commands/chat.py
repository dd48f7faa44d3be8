"""``evolve chat``: talk with an exported composite in the terminal, or let scripts pipe prompts into it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from experiments.terminal.output import standard_output


def chat_with(artifact: Path, *, prompt: str | None, seed: int) -> None:
    """Answer one prompt, or every line of standard input as a conversation.

    Lines that begin with a slash are commands: ``/graph``, ``/members``, ``/reset``, ``/help``, ``/quit``.

    Args:
        artifact: Directory that ``evolve export`` wrote; none of its code is run.
        prompt: A single prompt; its answer is printed and the call returns.
        seed: Seed of sampled answers; turn n of a conversation uses ``seed + n``.

    Raises:
        ArtifactError: The directory is no artifact.
    """
    from experiments.chat.console import ChatConsole
    from experiments.chat.conversation import Conversation
    from experiments.export.opened import open_artifact
    from genomes.running.fast_trunk import trunk_of

    composite, models = open_artifact(artifact)
    trunks = {name: trunk_of(model, key=name) for name, model in models.items()}
    console = standard_output()
    chat = ChatConsole(Conversation(composite, trunks, seed), artifact, console)
    if prompt is not None:
        chat.run([prompt])
        return
    if console.is_terminal and sys.stdin.isatty():
        console.print(f"A composite of {', '.join(composite.program.members)}. /help lists commands.", highlight=False)
        chat.run(_typed(console))
    else:
        chat.run(sys.stdin)


def _typed(console: Console) -> Iterator[str]:
    while True:
        try:
            yield console.input("[blue]you>[/] ")
        except EOFError:
            return

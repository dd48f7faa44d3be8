"""Lines in, answers out: in a terminal with colours and commands, in a pipe one answer on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.chat.conversation import Conversation
from experiments.chat.graph import graph_tree
from experiments.chat.mixture import TokenView, token_views
from experiments.export.artifact import GENOME_FILE

HELP = """\
/graph    the composition
/members  who weighed how much at each token of the last answer
/reset    start a new conversation
/help     this list
/quit     leave; so do an empty line and Ctrl-D"""


class ChatConsole:
    """Answers lines.

    Args:
        conversation: Whom to ask.
        artifact: Its directory, for the graph.
        console: Where to write.
    """

    def __init__(self, conversation: Conversation, artifact: Path, console: Console) -> None:
        self._conversation, self._artifact, self._console = conversation, artifact, console

    def run(self, lines: Iterable[str]) -> None:
        """Answer every line, until one is empty or says so."""
        for line in lines:
            text = line.strip()
            if not text or text == "/quit":
                return
            if text.startswith("/"):
                self.command(text)
            else:
                self.answer(text)

    def answer(self, text: str) -> None:
        """Write the answer to a line, as it comes."""
        if self._console.is_terminal:
            self._console.print("[green]composite>[/] ", end="")
        for piece in self._conversation.say(text):
            self._console.print(piece, end="", markup=False, highlight=False, soft_wrap=True)
            self._console.file.flush()
        self._console.print()

    def command(self, text: str) -> None:
        """Do what a line that begins with a slash says."""
        match text:
            case "/graph":
                path = self._artifact / GENOME_FILE
                self._console.print(graph_tree(json.loads(path.read_text(encoding="utf-8"))))
            case "/members":
                talk = self._conversation
                views = token_views(talk.composite, talk.trunks, talk.prompt, talk.answer)
                self._console.print(members_table(views) if views else "There is no answer yet; say something first.")
            case "/reset":
                self._conversation.reset()
                if self._console.is_terminal:  # In a pipe there is nothing but answers, one on a line.
                    self._console.print("[dim]A new conversation.[/]")
            case "/help":
                self._console.print(HELP, markup=False, highlight=False)
            case _:
                self._console.print(f"{text!r} is no command; allowed are:\n{HELP}", markup=False, highlight=False)


def members_table(views: list[TokenView]) -> Table:
    """Who weighed how much: for every token its probability, and every member's gain in nats with its share."""
    names = sorted(views[0].gains_nats)
    table = Table(
        title="log-probability of each token minus that without the member (nats), and its share of all influence"
    )
    table.add_column("token")
    table.add_column("probability", justify="right")
    for name in names:
        table.add_column(escape(name), justify="right")
    for view in views:
        shares = view.shares
        cells = []
        for name in names:
            gain = view.gains_nats[name]
            colour = "green" if (gain or 0) >= 0 else "red"
            cells.append("alone" if gain is None else f"[{colour}]{gain:+.2f}[/] {shares[name]:4.0%}")
        table.add_row(escape(ascii_if_needed(view.text)), f"{view.probability:.3f}", *cells)
    mean = {name: sum(view.shares[name] for view in views) / len(views) for name in names}
    table.add_section()
    table.add_row("[bold]mean share[/]", "", *(f"{mean[name]:.0%}" for name in names))
    return table


def ascii_if_needed(text: str) -> str:
    """A token with what does not print written out."""
    return text if text.isprintable() and text.strip() else repr(text)

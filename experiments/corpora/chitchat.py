"""The conversations of the PyPI package ``chitchat-dataset`` (MIT) as documents.

7,168 human conversations of the BYU chit-chat challenge, in the wheel: nothing is downloaded.
"""

from __future__ import annotations

import json
from importlib.resources import files

from experiments.corpora.documents import Document

_MAX_TURN_WORDS = 60  # A few speakers paste whole pages; what follows the first words answers nobody.


def load_chitchat(*, domain: str) -> list[Document]:
    """Every conversation of at least two turns, one document each, in the order of their ids.

    What one speaker sends in a row is one turn. The package reads its file with the platform's encoding, so
    the file is read here instead.
    """
    text = files("chitchat_dataset").joinpath("dataset.json").read_text(encoding="utf-8")
    documents = []
    for identifier, conversation in sorted(json.loads(text).items()):
        turns = [_one_line(" ".join(m["text"] for m in messages)) for messages in conversation["messages"]]
        turns = [turn for turn in turns if turn]
        if len(turns) >= 2:
            documents.append(Document(id=identifier, domain=domain, group=identifier, turns=tuple(turns)))
    return documents


def _one_line(text: str) -> str:
    return " ".join(text.split()[:_MAX_TURN_WORDS])

"""Which members may meet token by token, or in their parameters: those of one tokenizer.

Nothing is loaded here: rules of spaces ask with the keys that they know, runtimes with those of loaded tokenizers.
"""

from __future__ import annotations

from collections.abc import Mapping


def tokenizer_problem(subject: str, keys: Mapping[str, str], remedy: str) -> str | None:
    """What is wrong where tokenizers differ, as one message; None where all are the same.

    Args:
        subject: What needs one tokenizer: ``"The members cannot be merged"``.
        keys: The key of each tokenizer (``tokenizer_key``), by how its member is called in the message.
        remedy: What to do, as a sentence.
    """
    (first, key), *others = keys.items()
    for name, other in others:
        if other != key:
            return (
                f"{subject}: {first} and {name} have different tokenizers, so equal token ids mean different text. "
                f"{remedy}"
            )
    return None

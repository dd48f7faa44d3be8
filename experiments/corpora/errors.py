"""What goes wrong with data: a corpus that cannot be read, or that holds too little."""

from __future__ import annotations


class CorpusError(ValueError):
    """Data that cannot be used; the message names the domain or file, what is wrong and what to do."""

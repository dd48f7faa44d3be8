"""What a ``with`` block closes at its end: runs, their logs and stories, pools of workers.

How each of them closes stands where it is defined.
"""

from __future__ import annotations

from typing import Protocol, Self


class Closeable(Protocol):
    """Something that is closed once it is not needed any more, at the end of a ``with`` block at the latest."""

    def close(self) -> None:
        """Give back what is held; may be called twice."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

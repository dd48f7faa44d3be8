"""What goes wrong with members: loading one, and training one."""

from __future__ import annotations


class MemberLoadError(RuntimeError):
    """A member that cannot be loaded: which one, from where, why, and what to do.

    Attributes:
        member: Name in the catalogue.
    """

    def __init__(self, member: str, source: str = "", cause: str = "", remedy: str = "") -> None:
        # All arguments go to the base class, because that is what pickle hands back.
        super().__init__(member, source, cause, remedy)
        self.member = member

    def __str__(self) -> str:
        member, source, cause, remedy = self.args
        return f"Member {member!r} cannot be loaded from {source}: {cause}. {remedy}."


class MemberTrainingError(RuntimeError):
    """A member that could not be trained: which one, and why.

    Attributes:
        member: Name in the catalogue.
    """

    def __init__(self, member: str, cause: str = "") -> None:
        super().__init__(member, cause)
        self.member = member

    def __str__(self) -> str:
        member, cause = self.args
        return f"Member {member!r} cannot be trained: {cause}"

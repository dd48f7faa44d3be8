from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class StepRequest(_message.Message):
    __slots__ = ("session", "num_earlier", "num_rows", "kept_rows", "tokens", "positions", "mask")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NUM_EARLIER_FIELD_NUMBER: _ClassVar[int]
    NUM_ROWS_FIELD_NUMBER: _ClassVar[int]
    KEPT_ROWS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    session: str
    num_earlier: int
    num_rows: int
    kept_rows: _containers.RepeatedScalarFieldContainer[int]
    tokens: bytes
    positions: bytes
    mask: bytes
    def __init__(
        self,
        session: _Optional[str] = ...,
        num_earlier: _Optional[int] = ...,
        num_rows: _Optional[int] = ...,
        kept_rows: _Optional[_Iterable[int]] = ...,
        tokens: _Optional[bytes] = ...,
        positions: _Optional[bytes] = ...,
        mask: _Optional[bytes] = ...,
    ) -> None: ...

class StepReply(_message.Message):
    __slots__ = ("hidden", "num_positions")
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    NUM_POSITIONS_FIELD_NUMBER: _ClassVar[int]
    hidden: bytes
    num_positions: int
    def __init__(self, hidden: _Optional[bytes] = ..., num_positions: _Optional[int] = ...) -> None: ...

from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CompletionRequest(_message.Message):
    __slots__ = ("model", "prompt", "conversation", "max_tokens", "temperature", "top_p", "seed", "n", "stop")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: str
    conversation: Conversation
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    n: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    def __init__(
        self,
        model: _Optional[str] = ...,
        prompt: _Optional[str] = ...,
        conversation: _Optional[_Union[Conversation, _Mapping]] = ...,
        max_tokens: _Optional[int] = ...,
        temperature: _Optional[float] = ...,
        top_p: _Optional[float] = ...,
        seed: _Optional[int] = ...,
        n: _Optional[int] = ...,
        stop: _Optional[_Iterable[str]] = ...,
    ) -> None: ...

class Conversation(_message.Message):
    __slots__ = ("turns",)
    TURNS_FIELD_NUMBER: _ClassVar[int]
    turns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, turns: _Optional[_Iterable[str]] = ...) -> None: ...

class Choice(_message.Message):
    __slots__ = ("index", "text", "finish_reason")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    index: int
    text: str
    finish_reason: str
    def __init__(
        self, index: _Optional[int] = ..., text: _Optional[str] = ..., finish_reason: _Optional[str] = ...
    ) -> None: ...

class Usage(_message.Message):
    __slots__ = ("prompt_tokens", "completion_tokens")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: int
    completion_tokens: int
    def __init__(self, prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ...) -> None: ...

class CompletionReply(_message.Message):
    __slots__ = ("choices", "usage", "dropped_members", "seed")
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    choices: _containers.RepeatedCompositeFieldContainer[Choice]
    usage: Usage
    dropped_members: _containers.RepeatedScalarFieldContainer[str]
    seed: int
    def __init__(
        self,
        choices: _Optional[_Iterable[_Union[Choice, _Mapping]]] = ...,
        usage: _Optional[_Union[Usage, _Mapping]] = ...,
        dropped_members: _Optional[_Iterable[str]] = ...,
        seed: _Optional[int] = ...,
    ) -> None: ...

class CompletionPiece(_message.Message):
    __slots__ = ("index", "text", "finish_reason", "usage", "dropped_members")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    index: int
    text: str
    finish_reason: str
    usage: Usage
    dropped_members: _containers.RepeatedScalarFieldContainer[str]
    def __init__(
        self,
        index: _Optional[int] = ...,
        text: _Optional[str] = ...,
        finish_reason: _Optional[str] = ...,
        usage: _Optional[_Union[Usage, _Mapping]] = ...,
        dropped_members: _Optional[_Iterable[str]] = ...,
    ) -> None: ...

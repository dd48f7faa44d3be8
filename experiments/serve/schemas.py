"""The bodies of requests, as OpenAI's clients send them.

Fields that could change an answer and are not supported are refused unless they are neutral; fields that cannot
(``user``, ``metadata``, ``store``) are taken and ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MAX_STOPS = 4
MAX_COUNT = 1 << 20


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("text holds half of a surrogate pair, which is no character") from None
    return text


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, AfterValidator(_encodable)]
TokenIds = Annotated[list[Annotated[int, Field(ge=0, le=1 << 31)]], Field(min_length=1)]
Stops = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=1000)]] | str | None,
    BeforeValidator(_as_list),
    Field(description="Up to four texts, or one; the answer ends before the first of them."),
]
Neutral = Annotated[float | None, Field(ge=0, le=0, allow_inf_nan=False, description="Only 0 is supported.")]


class StreamOptions(BaseModel):
    """What a stream holds beside the text."""

    model_config = ConfigDict(strict=True, extra="forbid")

    include_usage: bool | None = None
    include_obfuscation: Annotated[bool | None, Field(description="Ignored.")] = None


class _Request(BaseModel):
    """What both kinds of request have in common."""

    model_config = ConfigDict(strict=True, extra="forbid")

    model: Text = Field(description="The id of the model, as /v1/models lists it.")
    n: int | None = Field(default=None, ge=1, le=128, description="Answers to each prompt.")
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="0 takes the likeliest token; the evolved one by default.",
    )
    top_p: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="The evolved one by default."
    )
    seed: int | None = Field(default=None, ge=0, lt=1 << 63, description="Equal seeds give equal answers.")
    stop: Stops = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: Neutral = None
    frequency_penalty: Neutral = None
    logit_bias: Annotated[dict[str, float] | None, Field(max_length=0, description="Only empty is supported.")] = None
    user: Annotated[Any, Field(description="Ignored.")] = None
    metadata: Annotated[Any, Field(description="Ignored.")] = None
    store: Annotated[Any, Field(description="Ignored.")] = None


class CompletionBody(_Request):
    """A request for the continuation of texts."""

    prompt: (
        Text | Annotated[list[Text], Field(min_length=1)] | TokenIds | Annotated[list[TokenIds], Field(min_length=1)]
    ) = Field(default="", description="A text, token ids, or a list of either.")
    max_tokens: int | None = Field(default=None, ge=0, le=MAX_COUNT, description="The evolved length by default.")
    logprobs: int | None = Field(default=None, ge=0, le=20, description="Likeliest tokens to report beside each token.")
    echo: bool | None = Field(default=None, description="Whether the prompt stands before its continuation.")
    best_of: int | None = Field(default=None, ge=1, le=128, description="Only the value of n is supported.")
    suffix: Annotated[str | None, Field(max_length=0, description="Not supported.")] = None


class TextPart(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(strict=True, extra="forbid")

    type: Literal["text"]
    text: Text


class Message(BaseModel):
    """One turn; what the composite reads of it is its text."""

    model_config = ConfigDict(strict=True, extra="forbid")

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart], Field(min_length=1)]
    name: Annotated[str | None, Field(description="Ignored.")] = None
    refusal: Annotated[None, Field(description="Ignored.")] = None

    @property
    def text(self) -> str:
        """The text of all parts."""
        return self.content if isinstance(self.content, str) else " ".join(part.text for part in self.content)


class ChatBody(_Request):
    """A request for the next turn of a conversation."""

    messages: list[Message] = Field(min_length=1, max_length=4096)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_COUNT, description="The evolved length by default.")
    max_completion_tokens: int | None = Field(default=None, ge=1, le=MAX_COUNT, description="Goes before max_tokens.")
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)


class ErrorFields(BaseModel):
    """What is wrong with a request."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """An error as OpenAI's clients read it."""

    error: ErrorFields


class ModelCard(BaseModel):
    """One model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "composite-evolve"


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Health(BaseModel):
    """Whether answers are given, and which members the last one did without."""

    status: Literal["ok", "degraded"]
    missing_members: dict[str, str]
    requests: int

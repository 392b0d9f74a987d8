"""The parts of a streamed turn, as they are sent: the AI SDK's UI message stream, version 1."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict


class TurnStarted(TypedDict):
    conversation_id: int


class TurnStored(TurnStarted):
    """`message_id` is null when nothing was said that could be stored."""

    message_id: int | None


class StartPart(TypedDict):
    type: Literal["start"]
    messageId: str
    messageMetadata: TurnStarted


class TextStartPart(TypedDict):
    type: Literal["text-start"]
    id: str


class TextDeltaPart(TypedDict):
    type: Literal["text-delta"]
    id: str
    delta: str


class TextEndPart(TypedDict):
    type: Literal["text-end"]
    id: str


class ToolInputPart(TypedDict):
    """A tool is called."""

    type: Literal["tool-input-available"]
    toolCallId: str
    toolName: str
    input: dict[str, Any]
    dynamic: Literal[True]


class ToolOutputPart(TypedDict):
    type: Literal["tool-output-available"]
    toolCallId: str
    output: Any
    dynamic: Literal[True]


class ToolErrorPart(TypedDict):
    type: Literal["tool-output-error"]
    toolCallId: str
    errorText: str
    dynamic: Literal[True]


class ErrorPart(TypedDict):
    """The turn failed; `finish` still follows."""

    type: Literal["error"]
    errorText: str


class FinishPart(TypedDict):
    type: Literal["finish"]
    messageMetadata: TurnStored


Part = (
    StartPart
    | TextStartPart
    | TextDeltaPart
    | TextEndPart
    | ToolInputPart
    | ToolOutputPart
    | ToolErrorPart
    | ErrorPart
    | FinishPart
)
StreamPart = Annotated[Part, Field(discriminator="type")]

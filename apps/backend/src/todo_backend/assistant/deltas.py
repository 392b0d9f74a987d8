"""Puts the pieces of a streamed Chat Completions answer together, whoever streamed it.

Servers differ: OpenAI sends id and name once and then only arguments; vLLM and lmdeploy send
`id=""` in continuations; llama.cpp's Python server repeats id and name in each piece; Ollama sends
a whole call in one piece, at times each with index 0; some send no id at all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Call:
    """A tool call as the model asks for it; the arguments are JSON, or what should have been."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class _Piece:
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Calls:
    """The tool calls of one answer, in the order they began."""

    _pieces: list[_Piece] = field(default_factory=list)
    _by_index: dict[int, _Piece] = field(default_factory=dict)

    def add(self, delta: Any) -> None:
        """Take one element of `delta.tool_calls`."""
        function = delta.function
        name = (function.name if function else None) or ""
        arguments = (function.arguments if function else None) or ""
        index = delta.index if delta.index is not None else 0
        piece = self._by_index.get(index)
        if piece is None or self._begins_anew(piece, delta.id or "", name, arguments):
            piece = self._by_index[index] = _Piece()
            self._pieces.append(piece)
        piece.id = piece.id or (delta.id or "")
        piece.name = piece.name or name
        piece.arguments += arguments

    @staticmethod
    def _begins_anew(piece: _Piece, id_: str, name: str, arguments: str) -> bool:
        """Whether a piece under a known index is another call: some servers use 0 for all."""
        if id_ and piece.id:
            return id_ != piece.id
        # Without ids a name begins a call when the call before is complete.
        return bool(name and not id_ and arguments.startswith("{") and _closed(piece.arguments))

    def finished(self) -> list[Call]:
        """Return the calls; one without an id gets one."""
        return [
            Call(piece.id or f"call_{secrets.token_hex(8)}", piece.name, piece.arguments)
            for piece in self._pieces
            if piece.name or piece.arguments
        ]


def _closed(arguments: str) -> bool:
    return arguments.rstrip().endswith("}")

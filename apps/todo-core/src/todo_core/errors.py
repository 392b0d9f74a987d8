"""What can go wrong in a way that the caller can act on."""

from __future__ import annotations


class TodoError(Exception):
    """Base of the errors whose text may be shown to the user."""


class NotFoundError(TodoError):
    """There is no such thing, or it is another user's."""


class ChangedError(TodoError):
    """The thing was changed since the caller read it."""


class LimitError(TodoError):
    """The user has as many of these as one user may have."""


class UnavailableError(TodoError):
    """Something that is needed does not answer; the same request may succeed later."""

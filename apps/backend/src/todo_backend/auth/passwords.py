"""Argon2id, with bounds: each hash takes memory and a core for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from todo_backend.problems import ApiError

# OWASP's first recommendation with the least memory: 19 MiB, 2 passes, 1 lane.
_HASHER = Argon2Hasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
_AT_ONCE = 2
# Those that are served, and those that wait.
_PLACES = 52


class Passwords:
    """Hashes and checks passwords, two at a time, with a bounded queue."""

    def __init__(self) -> None:
        self._hash = PasswordHash((_HASHER,))
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._taken = 0
        # Checked where there is no account, so that the answer takes as long.
        self._nobody = self._hash.hash("nobody's password")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place in the queue. Raises ApiError 429 when all are taken."""
        if self._taken >= _PLACES:
            raise ApiError(429, "Too many sign-ins at once", retry_after=2)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def hash(self, password: str) -> str:
        """Return the hash to store. Raises ApiError 429 when too many wait."""
        with self.place():
            async with self._slots:
                return await asyncio.to_thread(self._hash.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Return whether the password is right, and a better hash when the stored one is outdated.

        Takes as long for no account (None). For whoever holds a `place`.
        """
        async with self._slots:
            right, better = await asyncio.to_thread(
                self._hash.verify_and_update, password, stored or self._nobody
            )
        return right and stored is not None, better

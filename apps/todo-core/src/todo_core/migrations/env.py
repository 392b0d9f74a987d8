"""Runs the migrations on the connection that `todo_core.migrate` holds the lock on."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel
from todo_core import models

assert models.Task.metadata is SQLModel.metadata, "importing the models fills the metadata"
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

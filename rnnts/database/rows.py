"""Rows of a table as frozen values."""

from dataclasses import fields
from typing import Any, TypeVar, cast

from sqlalchemy import Column, Connection, Select, Table

R = TypeVar("R")
"""A dataclass whose fields are named after columns."""


def columns_of(table: Table, kind: type[R]) -> tuple[Column[Any], ...]:
    """The columns that the fields of `kind` are named after."""
    return tuple(table.c[field.name] for field in fields(cast("Any", kind)))


def rows_of(connection: Connection, statement: Select[Any], kind: type[R]) -> tuple[R, ...]:
    """Every row that `statement` gives, as `kind`; its columns are those of `columns_of`."""
    return tuple(kind(*row) for row in connection.execute(statement).all())


def first_of(connection: Connection, statement: Select[Any], kind: type[R]) -> R | None:
    """The first row, None where there is none."""
    row = connection.execute(statement.limit(1)).one_or_none()
    return None if row is None else kind(*row)


def known(row: R | None) -> R:
    """The row, where what was written just before must have given one."""
    if row is None:
        raise LookupError("a row that was just written is not there")
    return row

"""The first tables, and the two views over all panels."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them, as the file of this dialect says."""
    name = op.get_bind().dialect.name
    script = Path(__file__).with_name(f"0001_first_tables.{name}.sql").read_text(encoding="utf-8")
    for statement in script.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)

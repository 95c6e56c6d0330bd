"""Names that no two may have, also when two hubs store them at once: tokens, API keys, receivers, email addresses.

Earlier releases looked for such a name before they stored it, so a database of one hub has no doubles. If there are
some, the newer ones get the beginning of their uid behind their name.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAMES = (
    ("tokens", "tokens_name", ("name",)),
    ("api_keys", "api_keys_name", ("user_uid", "name")),
    ("alert_receivers", "alert_receivers_name", ("project_uid", "name")),
)


def upgrade() -> None:
    """Rename doubles, then create the unique indexes."""
    for table, index, columns in _NAMES:
        _rename_doubles(table, columns)
        op.create_index(index, table, list(columns), unique=True)
    op.create_index("users_email_lower", "users", [sa.text("lower(email)")], unique=True)


def _rename_doubles(name: str, columns: tuple[str, ...]) -> None:
    table = sa.table(name, *(sa.column(column) for column in {"uid", "created", *columns}))
    connection, seen = op.get_bind(), set()
    for row in connection.execute(sa.select(table).order_by(table.c.created, table.c.uid)).all():
        key = tuple(getattr(row, column) for column in columns)
        if key in seen:
            newer = f"{row.name} {row.uid[:8]}"
            connection.execute(sa.update(table).where(table.c.uid == row.uid).values(name=newer))
        seen.add(key)

"""Find operations past their deadline without reading those that have ended (step 2 of v0.1.0)."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index operations by state and deadline; v0.1.0 made the index in either of its two steps."""
    op.create_index("operations_state", "operations", ["state", "deadline"], if_not_exists=True)

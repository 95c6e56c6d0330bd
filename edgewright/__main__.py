"""`python -m edgewright` is the same as `edgewright`."""

from __future__ import annotations

import sys

try:
    from edgewright.main import main
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(main())

"""`python -m edgewright` is the same as `edgewright`."""

from __future__ import annotations

import sys

from edgewright.main import main

sys.exit(main())

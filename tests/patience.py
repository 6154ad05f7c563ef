"""How long tests wait for a condition before they give up.

Never how long something may take: that is measured in benchmarks, since a machine can be busy. Set PATIENCE_SECONDS in
the environment to see a failure sooner.
"""

import os

PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", "300"))
PATIENCE_MS = 1000 * PATIENCE_SECONDS

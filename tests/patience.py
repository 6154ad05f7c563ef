"""How long tests wait for a condition before they give up. Never how long something may take: that is measured in
benchmarks, since a machine can be busy."""

PATIENCE_SECONDS = 300.0
PATIENCE_MS = 1000 * PATIENCE_SECONDS

"""Works, stores, billboards, buildings and grain along simulated roads, found by whole runs."""

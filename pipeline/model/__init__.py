"""The words that all rooms share: plain, frozen, metric; no files, no rasters, no network."""

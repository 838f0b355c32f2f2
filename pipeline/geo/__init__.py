"""Plane geometry on metric coordinates: projections, corridors, tiles, stakes, outlines. No pixels, no files."""

"""Plane geometry on metric coordinates: projections, corridors, tiles, outlines. No pixels, no files."""

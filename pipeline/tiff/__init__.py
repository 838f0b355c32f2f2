"""TIFF files, near and far: what a file says of itself, how its bytes lie, and an open dataset of just the blocks needed.

The only room, with ``imagery`` and ``catalog`` above it, in which GDAL opens an image.
"""

"""Grain on real roads: how well the detector of grain drying does on pixels that were not made by a renderer of worlds.

No labelled picture of grain drying on a road is public, so grain is painted; but the roads are real. Their axes were
digitised by eye from the pictures under ``../shared/real`` (``roads/*.geojson``, pixels of the later picture; no pixel of
the pictures is here).

- ``pictures``: scenes (a picture or a pair), their roads, pixels of both dates at a resolution, and folds by origin.
- ``frame``: a road as coordinates. ``paint``: materials laid in the tone scale of a picture. ``strips``: grain.
  ``controls``: what is not grain. ``exposure``: light, noise, compression, coarser pixels.
- ``places.views(scene, pixel_m, seed, grain=..., controls=...)``: what a detector gets, and what is true there.
- ``score``, ``page``: figures and the page ``benchmarks/GRAIN.md``, which ``benchmarks/score_grain.py`` writes.

Nothing here knows how the detector works; it is called as a run calls it.
"""

"""What researchers see in notebooks: the officers' map in a cell, one tile step by step, what a finding rests on.

Every door gives a value that a notebook shows by itself and that can be saved: a :class:`MapView` or a matplotlib Figure.
Nothing here decides anything; it shows what the other rooms decide. A finding is a clue (疑似线索).
"""

from ..explain.weighing import Weighed, weighed
from .evidence import EvidenceMap, evidence_maps
from .figures import confidence_terms, finding_evidence, tile_evidence
from .page import MapView, explore, explore_findings
from .tile import TileView, tile_view

__all__ = [
    "EvidenceMap",
    "MapView",
    "TileView",
    "Weighed",
    "confidence_terms",
    "evidence_maps",
    "explore",
    "explore_findings",
    "finding_evidence",
    "tile_evidence",
    "tile_view",
    "weighed",
]

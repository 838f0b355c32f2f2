"""What researchers call from notebooks: roads, images and detectors as a library, and what a run found, looked at.

The library (`import pipeline as luyu`) works on plain GeoDataFrames and Datasets, without a configuration: `corridor`,
`zones`, `tiles`, `locate`, `judge`; `load`, `pair`, `look`, `detect`, `straighten`; `score`; `open_run`. Figures and maps show
themselves and can be saved: a :class:`MapView` or a matplotlib Figure. Nothing here decides anything; it asks the other rooms
and shows what they decide. A finding is a clue (疑似线索).
"""

from ..evaluate import evaluate as score
from ..explain.weighing import Weighed, weighed
from .calibration import calibration_curve
from .evidence import EvidenceMap, evidence_maps
from .figures import confidence_terms, finding_evidence, tile_evidence
from .ground import corridor, tiles, zones
from .images import load
from .looking import detect, look
from .opened import Run, open_run
from .page import MapView, explore, explore_findings
from .pairing import pair
from .placing import judge, locate
from .strip import road_strip, straighten
from .tile import TileView, tile_view

__all__ = [
    "EvidenceMap",
    "MapView",
    "Run",
    "TileView",
    "Weighed",
    "calibration_curve",
    "confidence_terms",
    "corridor",
    "detect",
    "evidence_maps",
    "explore",
    "explore_findings",
    "finding_evidence",
    "judge",
    "load",
    "locate",
    "look",
    "open_run",
    "pair",
    "road_strip",
    "score",
    "straighten",
    "tile_evidence",
    "tile_view",
    "tiles",
    "weighed",
    "zones",
]

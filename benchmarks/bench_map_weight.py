"""What a county's map of 10,000 polygons takes to draw and weighs, beside a plain Folium page of the same, in turn.

Without pictures, which would weigh the same on both; each with Leaflet put into it. Takes half a minute.

    python benchmarks/bench_map_weight.py [--findings 10000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from goals import judged
from map_pages import county, plain_folium

from pipeline.maps import county_map
from pipeline.maps.options import MapsOptions


def drawn(draw: Callable[[], str]) -> tuple[float, float]:
    """Seconds of CPU and MB of a page."""
    start = time.process_time()
    page = draw()
    return time.process_time() - start, len(page.encode()) / 1e6


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    page = county(asked.findings, [])
    draws = {
        "luyu": lambda: county_map.draw(page, MapsOptions(budget_mb=100)).html,
        "folium.GeoJson": lambda: plain_folium(page, {}),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in draws}
    for _ in range(asked.rounds):
        for name, draw in draws.items():
            taken[name].append(drawn(draw))
    median = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()}
    for name, (cpu_s, mb) in median.items():
        print(f"{name:16} {cpu_s:6.2f} s of CPU {mb:7.1f} MB")
    (cpu_s, mb), (peer_s, peer_mb) = median.values()
    judged(f"map of {asked.findings:,} polygons: CPU / folium.GeoJson's", cpu_s / peer_s, most=0.5)
    judged(f"map of {asked.findings:,} polygons: bytes / folium.GeoJson's", mb / peer_mb, most=0.7)


if __name__ == "__main__":
    main()

"""How a benchmark says whether a goal is met: a line each, so that ``make bench | grep -E 'PASS|SHORT'`` lists them all."""

from __future__ import annotations


def judged(what: str, got: float, *, most: float | None = None, least: float | None = None) -> None:
    """Print what was measured beside the bound it is held against, of which one is given."""
    met = (most is None or got <= most) and (least is None or got >= least)
    bound = f"at most {most:g}" if most is not None else f"at least {least:g}"
    print(f"  {'PASS' if met else 'SHORT'}  {what}: {got:.3g} (goal: {bound})", flush=True)

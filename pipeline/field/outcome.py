"""What became of a package that came back: every row accounted for, in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .given import Place

TAKEN, REFUSED = 0, 3
_SHOWN = 200
_NAMES = {
    "accepted": "taken 已采纳",
    "unchanged": "said before 已有相同结论",
    "conflicts": "in conflict 冲突",
    "refused": "refused 未采纳",
}


@dataclass(frozen=True)
class Line:
    """One thing that is told of one place of a file."""

    file: str
    part: str
    row: int | None
    case_no: str
    why: str
    verdict: str | None = None

    @classmethod
    def of(cls, place: Place, case_no: str, why: str, verdict: str | None = None) -> Line:
        """A line on a place."""
        return cls(place.file, place.part, place.row, case_no, why, verdict)

    def __str__(self) -> str:
        case = f"case {self.case_no}: " if self.case_no else ""
        return f"{Place(self.file, self.part, self.row)}: {case}{self.why}"


@dataclass
class ImportReport:
    """What became of the rows and photos: taken, said before, kept as a conflict, or refused; and what is to be looked at."""

    source: str
    accepted: list[Line] = field(default_factory=list)
    unchanged: list[Line] = field(default_factory=list)
    conflicts: list[Line] = field(default_factory=list)
    refused: list[Line] = field(default_factory=list)
    flags: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    photos_new: int = 0
    photos_known: int = 0
    not_filled_in: int = 0

    @property
    def exit_code(self) -> int:
        """0 when all went in, 3 when something was refused or is in conflict."""
        return REFUSED if self.refused or self.conflicts else TAKEN

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self) | {"exit_code": self.exit_code}

    def text(self) -> str:
        """All of it, for people: what needs them first, the totals last, where a terminal leaves them in sight."""
        lines = [
            *_told("CONFLICT 冲突", self.conflicts),
            *_told("REFUSED 未采纳", self.refused),
            *_told("look 提示", self.flags),
            *(f"note 说明: {note}" for note in self.notes),
        ]
        counts = ", ".join(f"{title} {len(getattr(self, name))}" for name, title in _NAMES.items())
        lines.append(f"{self.source}: {counts}; not filled in 未填 {self.not_filled_in}")
        lines.append(f"photos 照片: new 新增 {self.photos_new}, known 已有 {self.photos_known}")
        if self.conflicts:
            lines.append(
                "nothing was changed where there is a conflict; 'luyu cases list --conflict' names these cases"
            )
        if self.refused:
            lines.append("mend the refused rows in the same file and import it again; what is in stays as it is")
        return "\n".join(lines)


def _told(title: str, lines: Sequence[Line]) -> list[str]:
    shown = [f"{title}: {line}" for line in lines[:_SHOWN]]
    return [*shown, f"{title}: and {len(lines) - _SHOWN} more; --json tells all"] if len(lines) > _SHOWN else shown

"""The verdict file: what a county's map writes when an officer has answered on it, and any other program may write.

UTF-8 JSON, one object; `schema` publishes its form as a JSON schema. Unknown keys are refused, in the file and in an
entry; an entry that is wrong is refused alone. There is one entry for each case. ::

    {"luyu_verdicts": 1, "exported_at": "2024-11-26T08:00:00Z", "run": "xuzhou-2024q4",
     "verdicts": [{"case_no": "320322-201710-building-0001", "verdict": "dismiss", "reason": "greenhouse",
                   "note": "", "by": "王某、李某", "at": "2024-11-27T10:20:00+08:00", "version": 12}]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from ..errors import LuyuError
from ..ledger.answers import LONGEST_NAME, LONGEST_NOTE
from .bounds import MOST_ROWS, sound
from .given import Given, Place, Sheaf

_STRICT = ConfigDict(frozen=True, extra="forbid")


class VerdictEntry(BaseModel):
    """What one officer says of one case."""

    model_config = _STRICT

    case_no: str = Field(min_length=1, max_length=100, description="Case number, as on the map.")
    verdict: Literal["confirm", "dismiss", "rectified", "cannot_tell"] = Field(
        description="属实 confirm, 不属实 dismiss, 已整改 rectified, 无法判断 cannot_tell."
    )
    reason: str | None = Field(
        default=None, max_length=60, description="Code of a reason; needed by dismiss, null with confirm and rectified."
    )
    note: str = Field(default="", max_length=LONGEST_NOTE, description="Free text without personal data.")
    by: str = Field(min_length=1, max_length=LONGEST_NAME, description="Who says so: an officer or office.")
    at: AwareDatetime = Field(
        description="When it was said, ISO 8601 with its offset, such as 2024-11-27T10:20:00+08:00."
    )
    version: int = Field(ge=0, strict=True, description="The case's version that the map was made with.")


class VerdictFile(BaseModel):
    """Verdicts given on one map or list."""

    model_config = _STRICT

    luyu_verdicts: Literal[1] = Field(description="Version of this form.")
    exported_at: AwareDatetime = Field(description="When the file was written.")
    run: str | None = Field(default=None, max_length=200, description="The run that the map belongs to.")
    verdicts: list[VerdictEntry] = Field(max_length=MOST_ROWS, description="One for each case that was answered.")


def schema() -> dict[str, Any]:
    """The form as a JSON schema."""
    return VerdictFile.model_json_schema()


def read_verdict_file(path: Path) -> Sheaf:
    """The entries of a verdict file; LuyuError when the file as a whole is none, wrong entries are refused one by one."""
    sound(path)
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LuyuError(f"{path}: no JSON in UTF-8 ({error}); let the map write the file anew") from error
    entries = data.get("verdicts") if isinstance(data, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_ROWS:
        raise LuyuError(
            f"{path}: no verdict file, which is an object with 'luyu_verdicts': 1 and a list 'verdicts' of at most {MOST_ROWS}"
        )
    try:
        whole = VerdictFile.model_validate({**data, "verdicts": []})
    except ValidationError as error:
        raise LuyuError(f"{path}: no verdict file of this form: {_told(error)}") from error
    sheaf = Sheaf()
    for number, entry in enumerate(entries, start=1):
        place = Place(path.name, "verdicts", number)
        try:
            said = VerdictEntry.model_validate(entry)
        except ValidationError as error:
            case_no = entry.get("case_no") if isinstance(entry, dict) else None
            sheaf.refused.append((place, str(case_no or "")[:100], _told(error)))
            continue
        sheaf.rows.append(Given(place, said.model_dump() | {"exported_at": whole.exported_at}))
    return sheaf


def _told(error: ValidationError) -> str:
    """What pydantic found, in one line, without the values, which may be anything."""
    faults = [f"{'.'.join(map(str, one['loc'])) or 'entry'}: {one['msg']}" for one in error.errors(include_url=False)]
    return "; ".join(faults[:5]) + ("; and more" if len(faults) > 5 else "")

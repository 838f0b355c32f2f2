"""A PDF beside a Word file, made by LibreOffice where there is one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import LuyuError

_LIMIT_S = 120


def office() -> str | None:
    """The LibreOffice program, None where there is none."""
    return shutil.which("soffice") or shutil.which("libreoffice")


def as_pdf(papers: Sequence[Path], limit_s: float = _LIMIT_S) -> list[Path]:
    """PDFs beside these .docx files, in their order; [] where there is no LibreOffice.

    It runs once for all, with a profile of its own, so that neither an open window nor a setting of somebody's has a say.
    LuyuError when it fails or takes longer than ``limit_s`` seconds for each paper.
    """
    program = office()
    if program is None or not papers:
        return []
    with tempfile.TemporaryDirectory(prefix="luyu-office-") as scratch:
        profile, out = Path(scratch, "profile"), Path(scratch, "out")
        out.mkdir()
        command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nolockcheck"]
        command += ["--convert-to", "pdf", "--outdir", str(out)]
        made = []
        for number, paper in enumerate(papers):  # two folders may hold papers of one name
            source = Path(scratch, f"{number}.docx")
            shutil.copyfile(paper, source)
            command.append(str(source))
        try:
            done = subprocess.run(command, capture_output=True, timeout=limit_s * len(papers), check=False)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise LuyuError(
                f"{papers[0]}: LibreOffice made no PDF within {limit_s * len(papers):.0f} s; the .docx is there: print it from Word"
            ) from error
        for number, paper in enumerate(papers):
            result = out / f"{number}.pdf"
            if not result.is_file():
                said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
                raise LuyuError(
                    f"{paper}: LibreOffice made no PDF of it: {' '.join(said) or 'no message'}; the .docx is there"
                )
            target = paper.with_suffix(".pdf")
            shutil.move(result, target)
            made.append(target)
    return made

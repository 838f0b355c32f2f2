"""No person in the ledger: what looks like a telephone number, an identity card or a number plate is refused.

Names of owners cannot be told from other words; the form asks for none. 个人信息保护法 6: no more than the purpose needs.
"""

from __future__ import annotations

import re
import unicodedata

from ..errors import LedgerError

_PATTERNS = (
    ("a mobile number", re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")),
    ("an identity card number", re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{2}\d{3}[\dXx](?!\d)")),
    (
        "a number plate",
        re.compile(
            # Not a route with its stake behind a word such as 新: 新G311K12+300.
            r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼](?![GSXYCZ]\d{1,4}K\d)(?=\w*\d\w*\d)"
            r"[A-HJ-NP-Z][·. ]?[A-HJ-NP-Z0-9]{5,6}(?![A-Z0-9])",
            re.IGNORECASE,
        ),
    ),
)


_MOST = 2000  # characters of a text


def refuse_unreadable(where: str, text: str) -> None:
    """LedgerError for a text that is too long, or holds signs that no screen shows and some databases refuse."""
    if len(text) > _MOST:
        raise LedgerError(
            f"{where}: a text has {len(text)} characters; at most {_MOST} are kept, put the rest into a file"
        )
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t\r" for sign in text):
        raise LedgerError(f"{where}: a text holds control characters; type it again instead of pasting it")


def refuse_personal(where: str, text: str) -> None:
    """LedgerError when ``text`` holds what identifies a person; the message does not repeat it."""
    plain = unicodedata.normalize("NFKC", text)
    for name, pattern in _PATTERNS:
        if pattern.search(plain):
            raise LedgerError(f"{where}: the text holds {name}; a ledger keeps no personal data: leave it out")

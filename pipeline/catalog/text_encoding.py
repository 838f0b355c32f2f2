"""The encoding of text that nobody labelled: UTF-8 by its strict form, GBK by how Chinese its characters are.

GB18030 decodes almost any bytes, so that Cyrillic, Thai or Western text would come out as rare Han. Real Chinese text
draws nearly all of its characters from the 3755 common ones of GB 2312 level 1 (rows 16 to 55).
"""

from __future__ import annotations

from collections.abc import Iterable

_COMMON_LEAD = range(0xB0, 0xD8)
_LEAST_COMMON = 0.6  # names of villages hold rare characters; measured: Chinese layers 0.9 and more, others below 0.5


def encoding_of(texts: Iterable[bytes]) -> str | None:
    """``utf-8`` when every text is that, else ``gb18030`` when they read as Chinese, else None.

    A text that was cut in the middle of its last character, as dBase cuts long ones, still counts.
    """
    texts = [text for text in texts if not text.isascii()]
    if all(_decodes(text, "utf-8") for text in texts):
        return "utf-8"
    if all(_decodes(text, "gb18030") for text in texts) and _looks_chinese(texts):
        return "gb18030"
    return None


def _decodes(text: bytes, encoding: str) -> bool:
    for cut in range(4):
        try:
            text[: len(text) - cut].decode(encoding)
        except UnicodeDecodeError:
            if len(text) < 8:  # short texts are not cut ones
                return False
            continue
        return True
    return False


def _looks_chinese(texts: list[bytes]) -> bool:
    """Whether most of the Han characters are common ones, and none of the signs is Japanese kana."""
    han = common = 0
    for text in texts:
        for sign in text.decode("gb18030", "ignore"):
            if "\u3041" <= sign <= "\u30fa":
                return False
            if "\u3400" <= sign <= "\u9fff" or "\ue000" <= sign <= "\uf8ff":
                code = sign.encode("gb18030")
                han += 1
                common += len(code) == 2 and code[0] in _COMMON_LEAD and code[1] >= 0xA1
    return common >= _LEAST_COMMON * han

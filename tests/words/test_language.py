"""Which language is chosen, and by what."""

from __future__ import annotations

import sys

import pytest

from pipeline.words import chinese, shown

VARIABLES = ("LUYU_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, False),
        ({"LANG": "C"}, False),
        ({"LANG": "POSIX"}, False),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "zh_CN.GBK"}, True),
        ({"LANG": "zh_TW.UTF-8"}, True),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "C", "LC_MESSAGES": "zh_CN.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, True),
        ({"LUYU_LANG": "en", "LANG": "zh_CN.UTF-8"}, False),
        ({"LUYU_LANG": "zh", "LC_ALL": "C"}, True),
        ({"LUYU_LANG": "zh_CN", "LANG": "en_US.UTF-8"}, True),
        ({"LUYU_LANG": "EN"}, False),
        ({"LUYU_LANG": "", "LANG": "zh_CN.UTF-8"}, True),
        ({"LUYU_LANG": "fr", "LANG": "zh_CN.UTF-8"}, True),
    ],
)
def test_the_language(monkeypatch, told, expected):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert chinese() is expected


@pytest.mark.parametrize(("number", "expected"), [(0x0804, True), (0x0409, False), (0xFFFF, False)])
def test_windows_answers_in_the_language_of_the_desktop(monkeypatch, number, expected):
    import ctypes
    from types import SimpleNamespace

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    kernel = SimpleNamespace(GetUserDefaultUILanguage=lambda: number)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert chinese() is expected


def test_english_is_shown_as_it_is_written(monkeypatch):
    monkeypatch.setenv("LUYU_LANG", "en")
    assert shown("is missing; add it") == "is missing; add it"
    monkeypatch.setenv("LUYU_LANG", "zh")
    assert shown("is missing; add it") == "缺少；请补上"

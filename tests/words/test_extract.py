"""What the extraction finds in a program's source, and what it makes of the catalogue."""

from __future__ import annotations

from textwrap import dedent

import polib

from pipeline.words import extract


def found(tmp_path, source: str, file: str = "rooms/one.py") -> set[str]:
    path = tmp_path / "pipeline" / file
    path.parent.mkdir(parents=True)
    path.write_text(dedent(source), encoding="utf-8")
    others = set(extract.others.messages())
    return {template for template in extract.messages(tmp_path / "pipeline") if template not in others}


def test_placeholders_are_named_after_what_is_filled_in(tmp_path):
    source = """
        def read(entry, rows):
            raise LayerError(entry.label, f"{len(rows)} rows of {entry.path} and {rows[0]!r} of {rows!r}; ask again")
    """
    assert found(tmp_path, source) == {"{rows_count} rows of {path} and {rows} of {rows_2}; ask again"}


def test_both_branches_of_a_choice_are_found(tmp_path):
    source = """
        def f(n):
            why = "one thing is wrong" if n == 1 else f"{n} things are wrong"
            raise ConfigError(why)

        def g(path):
            raise ConfigError(f"no {'such ' if path else ''}file {path}")
    """
    assert found(tmp_path, source) == {
        "one thing is wrong", "{n} things are wrong", "no such file {path}", "no file {path}",
    }  # fmt: skip


def test_texts_that_helpers_build_are_words_within(tmp_path):
    source = """
        _REMEDY = "rename the file"

        def hint(name):
            return f"did you mean {name}?"

        def f(name):
            raise ConfigError(f"unknown name {name}; {hint(name)}; {_REMEDY}")
    """
    assert found(tmp_path, source) == {
        "unknown name {name}; {hint}; {remedy}", "did you mean {name}?", "rename the file",
    }  # fmt: skip


def test_lines_are_found_one_by_one_and_braces_stay(tmp_path):
    source = """
        def f(notes):
            notes.append("first line\\n  write {key} there")
    """
    assert found(tmp_path, source) == {"first line", "write {{key}} there"}


def test_commands_have_their_help_and_their_docstring(tmp_path):
    source = '''
        def plan(out: Annotated[Path, typer.Option(help="Folder to write.")]) -> int:
            """Say what
            would be done.

            Nothing is read.
            """

        def _inner() -> int:
            """Not a command at all."""
    '''
    assert found(tmp_path, source, "cli/app.py") == {"Folder to write.", "Say what would be done.", "Nothing is read."}


def test_data_and_the_words_of_files_are_no_messages(tmp_path):
    source = """
        KEYS = ("a key", "another key")

        def f(frame):
            frame.append("a row of data")
            return {"name": "a name of two words"}
    """
    assert found(tmp_path, source) == set()


def test_the_catalogue_follows_the_source():
    before = polib.POFile()
    before.append(polib.POEntry(msgid="{path}: no file", msgstr="{path}：没有文件"))
    before.append(polib.POEntry(msgid="gone", msgstr="没了"))
    after = extract.updated(before, {"{place}: no file": "pipeline/a.py", "new one here": "pipeline/b.py"})
    assert [(entry.msgid, entry.msgstr) for entry in after] == [
        ("{place}: no file", "{place}：没有文件"), ("new one here", ""),
    ]  # fmt: skip
    again = extract.updated(after, {"{place}: no file": "pipeline/a.py", "new one here": "pipeline/b.py"})
    assert str(again) == str(after)

"""Configurations: what a typing mistake, a wrong editor or a hostile file makes of one."""

from __future__ import annotations

import itertools
import os

from .cases import REFUSED, add, handled, refused
from .ground import Ground

KIND = "configuration"


@handled("control", "nothing stands in the way")
def sound_check(ground: Ground) -> list[str]:
    return ground.config()


@handled("control", "km observed")
def sound_run(ground: Ground) -> list[str]:
    return ground.config(command="run")


def _text(ground: Ground, text: str | bytes) -> list[str]:
    ground.config()
    return ["check", str(ground.file("run.yaml", text))]


def _sound(ground: Ground) -> str:
    ground.config()
    return (ground.folder / "run.yaml").read_text(encoding="utf-8")


for _name, _content, _says in (
    ("empty", "", ("run.yaml", "mapping")),
    ("a list", "- a\n- b\n", ("run.yaml", "mapping")),
    ("plain text", "hello", ("run.yaml", "mapping")),
    ("null bytes", b"name: a\x00b\n", ("run.yaml",)),
    ("escape signs", b"name: \x1b[2J\n", ("run.yaml",)),
    ("python object", "name: !!python/object/apply:os.system ['touch escaped']\n", ("run.yaml",)),
    ("python name", "name: !!python/name:os.system\n", ("run.yaml",)),
    ("unknown tag", "name: !exec 'touch escaped'\n", ("run.yaml",)),
    ("binary", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, ("run.yaml",)),
    ("utf-16", "name: a\n".encode("utf-16"), ("run.yaml", "utf-8")),
    ("gbk", "name: 沛县\n".encode("gbk"), ("run.yaml", "utf-8")),
    ("json cut", '{"name": "a", "layers": ', ("run.yaml",)),
    ("a circle of aliases", "name: a\nx: &x [*x]\n", ("run.yaml",)),
    ("unclosed quote", "name: 'a\nlayers: b\n", ("run.yaml",)),
    ("two documents", "name: a\n---\nname: b\n", ("run.yaml",)),
    ("merge of itself", "a: &a\n  <<: *a\n", ("run.yaml",)),
    ("tabs", "name: a\nimagery:\n\tresolution_m: 1\n", ("run.yaml",)),
    ("deep nesting", "name: " + "[" * 100_000, ("run.yaml",)),
    ("deep mapping", "".join(f"{' ' * n}a:\n" for n in range(3000)), ("run.yaml",)),
    ("ten megabytes", "name: a\n" + "".join(f"k{n}: {n}\n" for n in range(800_000)), ("run.yaml",)),
    ("a long line", "name: " + "a" * 12_000_000 + "\n", ("run.yaml",)),
):
    add(KIND, _name, lambda ground, content=_content: _text(ground, content), REFUSED, *_says)


@refused(KIND, "run.yaml")
def _alias_bomb(ground: Ground) -> list[str]:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{one}: &{one} [{', '.join([f'*{before}'] * 10)}]" for before, one in itertools.pairwise(names)]
    return _text(ground, _sound(ground) + "\n".join(lines) + "\n")


@refused(KIND, "run.yaml")
def _alias_bomb_where_a_list_is_wanted(ground: Ground) -> list[str]:
    names = "abcdefgh"
    inner = "&a [x, x, x, x, x, x, x, x, x]"
    for before, one in itertools.pairwise(names):
        inner = f"&{one} [{inner}, {', '.join([f'*{before}'] * 8)}]"
    return _text(ground, _sound(ground).replace("name: case", f"name: case\narea: {{routes: {inner}}}"))


@handled(KIND, "nothing stands in the way")
def _byte_order_mark_and_windows_line_ends(ground: Ground) -> list[str]:
    return _text(ground, b"\xef\xbb\xbf" + _sound(ground).replace("\n", "\r\n").encode())


@handled(KIND, "km observed")
def _a_name_that_climbs_out(ground: Ground) -> list[str]:
    argv = ground.config(command="run")
    text = (ground.folder / "run.yaml").read_text(encoding="utf-8")
    name = "../../escaped/" + "汉" * 60 + "<script>alert(1)</script>\u202e"
    ground.file("run.yaml", text.replace("name: case", f'name: "{name}"'))
    return argv


for _name, _old, _new, _says in (
    ("duplicate keys", "name: case", "name: case\nname: other", ("run.yaml", "name")),
    ("duplicate keys within", "before: 2024-04-01", "before: 2023-04-01/2023-05-31\n  before: 2024-04-01", ("before",)),
    ("unknown key at the top", "name: case", "name: case\nlayrs: x", ("layrs", "layers")),
    ("unknown key in imagery", "  before:", "  befor: x\n  before:", ("imagery.befor", "before")),
    ("unknown key in the network", "{tries: 2", "{trys: 2", ("trys", "tries")),
    ("unknown key in a source", "{kind: files", "{kind: files, sensr: x", ("sensr", "sensor")),
    ("unknown key in a detector", "{use: grain_drying}", "{use: grain_drying, treshold: 1}", ("treshold",)),
    ("unknown detector", "grain_drying", "grain_dryng", ("grain_dryng", "grain_drying")),
    ("unknown kind of source", "kind: files", "kind: file", ("kind", "files")),
    ("unknown sensor", "rgb_vhr", "../../../etc/passwd", ("sensor",)),
    ("number for a text", "layers: layers.yaml", "layers: 7", ("layers",)),
    ("list for a text", "output: out", "output: [a, b]", ("output",)),
    ("text for a number", "before: 2024", "resolution_m: half\n  before: 2024", ("resolution_m",)),
    ("not a number", "before: 2024", "resolution_m: .nan\n  before: 2024", ("resolution_m",)),
    ("infinite", "before: 2024", "resolution_m: .inf\n  before: 2024", ("resolution_m",)),
    ("negative", "before: 2024", "resolution_m: -0.5\n  before: 2024", ("resolution_m",)),
    ("tiny pixels", "before: 2024", "resolution_m: 1.0e-9\n  before: 2024", ("resolution_m",)),
    ("year 0", "2024-04-01/", "0000-00-00/", ("before",)),
    ("period backwards", "2024-04-01/2024-05-31", "2024-05-31/2024-04-01", ("before",)),
    ("period as an option", "2024-04-01/2024-05-31", "'$(touch escaped)'", ("before",)),
    ("null for a section", "detectors: [{use: grain_drying}]", "detectors:", ("detectors",)),
    ("no detector", "detectors: [{use: grain_drying}]", "detectors: []", ("detectors",)),
    ("a corridor as wide as a country", "name: case", "name: case\narea: {corridor_m: 1.0e+9}", ("corridor_m",)),
    ("a million workers", "name: case", "name: case\ndask: {workers: 1000000}", ("workers",)),
    ("layers in a device", "layers: layers.yaml", "layers: /dev/zero", ("/dev/zero",)),
    ("layers in a folder", "layers: layers.yaml", "layers: .", ("folder",)),
    ("layers that are not there", "layers: layers.yaml", "layers: ../../../nowhere.yaml", ("nowhere.yaml",)),
    ("rules that are not there", "name: case", "name: case\nlegal: nowhere.yaml", ("nowhere.yaml",)),
    ("rules in a device", "name: case", "name: case\nlegal: /dev/zero", ("/dev/zero",)),
    ("images in a device", "after.tif", "../../../../../../../dev/zero", ("zero",)),
    ("scheduler of another kind", "name: case", "name: case\ndask: {scheduler: 'file:///etc/passwd'}", ("scheduler",)),
    ("output in a device", "output: out", "output: /dev/null/x", ("/dev/null",)),
):

    def _replaced(ground: Ground, old: str = _old, new: str = _new) -> list[str]:
        text = _sound(ground)
        assert old in text, old
        return _text(ground, text.replace(old, new, 1))

    add(KIND, _name, _replaced, REFUSED, *_says)


@refused(KIND, "run.yaml")
def _a_pipe_that_nobody_writes(ground: Ground) -> list[str]:
    os.mkfifo(ground.folder / "run.yaml")
    return ["check", str(ground.folder / "run.yaml")]


@refused(KIND, "layers.yaml")
def _layers_in_a_pipe_that_nobody_writes(ground: Ground) -> list[str]:
    argv = ground.config()
    (ground.folder / "layers.yaml").unlink()
    os.mkfifo(ground.folder / "layers.yaml")
    return argv


@refused(KIND, "/dev/zero")
def _configuration_in_a_device(ground: Ground) -> list[str]:
    return ["check", "/dev/zero"]


@refused(KIND, "--set")
def _an_override_that_is_an_object(ground: Ground) -> list[str]:
    return [*ground.config(), "--set", "imagery.resolution_m=!!python/object/apply:os.system ['touch escaped']"]


@refused(KIND)
def _an_override_that_is_a_bomb(ground: Ground) -> list[str]:
    return [*ground.config(), "--set", f"name={'[' * 50_000}"]

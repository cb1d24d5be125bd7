"""Everything the documentation names exists: files, anchors, modules, commands, make targets, configuration keys."""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from support.markdown import ROOT, Page, pages

from edge import config
from edge.cli import build_parser
from edge.publish.payloads import PAYLOADS

PAGES = pages()
LOGS = ("RUNS.md", "CHANGELOG.md")
"""Pages about the past, whose commands may no longer exist."""
CURRENT = tuple(page for page in PAGES if page.path.name not in LOGS)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
every_current_page = pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.name)


def test_the_readme_is_short() -> None:
    (readme,) = (page for page in PAGES if page.name == "README.md")
    assert len(readme.text.splitlines()) <= 150


def test_every_page_of_docs_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    while True:
        known = {page.path: page for page in PAGES}
        targets = {
            (path.parent / unquote(link.partition("#")[0])).resolve()
            for path in reached
            if path in known
            for link in known[path].links
            if "://" not in link
        }
        if targets <= reached:
            break
        reached |= targets
    assert {page.name for page in PAGES if page.path.parent == ROOT / "docs" and page.path not in reached} == set()


@every_page
def test_links_lead_somewhere(page: Page) -> None:
    broken = []
    for link in page.links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.path.parent / unquote(name)).resolve() if name else page.path
        other = next((other for other in PAGES if other.path == target), None)
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{link}: no such file")
        elif anchor and (other is None or anchor not in other.anchors):
            broken.append(f"{link}: no such heading")
    assert broken == []


@every_current_page
def test_modules_exist(page: Page) -> None:
    started = (name for code in page.commands for name in re.findall(r"python3? -m ([\w.{},]+)", code))
    named = (code for code in page.inline if re.fullmatch(r"(edge|converters|models)(\.[\w{},]+)+", code))
    names = [name for text in itertools.chain(started, named) for name in braces(text.rstrip(".,"))]
    assert [name for name in names if not importable(name)] == []


@every_current_page
def test_commands_and_their_options_exist(page: Page) -> None:
    wrong = []
    for code in page.commands:
        for words in re.findall(r"(?:^|&& |\| |sudo |(?<!\w)[\w./]*/bin/)edge-emotion((?: +[^\s&|;>`]+)*)", code):
            wrong += [f"edge-emotion{words}: {fault}" for fault in unknown(build_parser(), words.split())]
    assert wrong == []


@every_current_page
def test_make_targets_exist(page: Page) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {name for code in page.commands for name in re.findall(r"(?:^|&& |[A-Z]=\S+ )make ([a-z][\w-]*)", code)}
    assert named - targets == set()


@every_current_page
def test_files_named_in_the_text_exist(page: Page) -> None:
    path = re.compile(r"(edge|converters|models|docs|systemd|tests|requirements)/[\w./-]*")
    assert [code for code in page.inline if path.fullmatch(code) and not (ROOT / code).exists()] == []


@every_current_page
def test_configurations_that_are_shown_are_valid(page: Page) -> None:
    for block in page.blocks("toml"):
        config.parse(block, page.name)


@every_current_page
def test_python_that_is_shown_compiles(page: Page) -> None:
    for block in page.blocks("python"):
        compile(block, page.name, "exec")


def test_payloads_that_are_shown_whole_follow_their_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    (page,) = (page for page in PAGES if page.name == "docs/mqtt.md")
    whole = [
        shown
        for block in page.blocks("json")
        for shown in objects(block)
        if "…" not in json.dumps(shown, ensure_ascii=False)
    ]
    for shown in whole:
        kind = shown["schema"].split("/")[1]
        jsonschema.validate(shown, json.loads((ROOT / f"edge/publish/schemas/{kind}.json").read_text("utf-8")))
    assert {shown["schema"].split("/")[1] for shown in whole} >= {"state", "info", "health", "response"}


def test_every_topic_and_every_configuration_table_is_documented() -> None:
    text = {page.name: page.text for page in PAGES}
    assert [kind for kind in PAYLOADS if f"`{kind}" not in text["docs/mqtt.md"]] == []
    sections = [name for name in config.Config.__struct_fields__ if name != "log_level"]
    assert [name for name in sections if f"{name}." not in text["docs/configuration.md"]] == []


def test_the_checks_notice_what_does_not_exist() -> None:
    assert importable("edge.errors.EdgeEmotionError")
    assert not importable("edge.errors.NoSuchError")
    assert not importable("models.face.no_such_module")
    assert list(unknown(build_parser(), ["replay", "FILE", "--json"])) == []
    assert list(unknown(build_parser(), ["service", "install", "--dry-runs"])) == ["no option --dry-runs"]
    assert list(unknown(build_parser(), ["rerun"])) == ["no command rerun"]
    page = Page(ROOT / "x.md", "# A `b`: c, *d*\n```sh\nmake no # [x](y)\n```\n# A\n# A\n[a `b`](c.md#d) `e\nf`\n")
    assert page.anchors == {"a-b-c-d", "a", "a-1"}
    assert page.links == ("c.md#d",)
    assert page.commands == ("make no", "b", "b", "e f")


def braces(text: str) -> Iterator[str]:
    """`models.{face,voice}.train` as two names."""
    parts = [part.split(",") for part in re.split(r"[{}]", text)]
    return ("".join(chosen) for chosen in itertools.product(*parts))


def importable(name: str) -> bool:
    """Whether `name` is a module, or something defined in one. Nothing but packages is imported for it."""
    module = name
    names: list[str] = []
    while module:
        try:
            spec = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            spec = None
        if spec is not None:
            source = Path(spec.origin).read_text("utf-8") if names and spec.origin else ""
            return (
                not names or re.search(rf"^(?:class |def |){re.escape(names[0])}\b", source, re.MULTILINE) is not None
            )
        module, _, last = module.rpartition(".")
        names.insert(0, last)
    return False


def unknown(parser: argparse.ArgumentParser, words: list[str]) -> Iterator[str]:
    """The parts of a documented command line that `parser` does not know; values of options are not checked."""
    options: set[str] = set(parser._option_string_actions)
    inner: dict[str, Any] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = dict(action.choices)
    for position, word in enumerate(words):
        if word.startswith("-"):
            if word.strip("[]").partition("=")[0] not in options:
                yield f"no option {word}"
        elif inner:
            if word in inner:
                yield from unknown(inner[word], words[position + 1 :])
            elif word != "COMMAND":
                yield f"no command {word}"
            return


def objects(text: str) -> Iterator[Any]:
    """The JSON values that stand one after another in `text`."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        yield value
        rest = rest[end:].strip()

"""Markdown as the tests of the documentation read it: links, headings, code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()\s]*\))?)\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_NOT_OURS = {"build", "dist", "runs", "node_modules", "site-packages"}


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def links(self) -> tuple[str, ...]:
        # A link's text may be code, so only fenced blocks are left out.
        return tuple(_LINK.findall(_FENCE.sub("", self.text)))

    @property
    def anchors(self) -> frozenset[str]:
        """The anchors of the headings, as GitHub makes them."""
        seen: dict[str, int] = {}
        anchors = set()
        for heading in _HEADING.findall(_FENCE.sub("", self.text)):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{seen[slug]}" if slug in seen else slug)
            seen[slug] = seen.get(slug, 0) + 1
        return frozenset(anchors)

    def blocks(self, language: str) -> tuple[str, ...]:
        """The fenced blocks of one language."""
        return tuple(body for kind, body in _FENCE.findall(self.text) if kind == language)

    @property
    def inline(self) -> tuple[str, ...]:
        """The text between single backticks."""
        return tuple(" ".join(code.split()) for code in _INLINE.findall(_FENCE.sub("", self.text)))

    @property
    def commands(self) -> tuple[str, ...]:
        """Each line of shell that is shown, and each piece of inline code. A line that ends in `\\` goes on."""
        lines = [line for body in self.blocks("sh") for line in body.replace("\\\n", " ").splitlines()]
        return (*(line.split(" # ")[0].strip() for line in lines), *self.inline)


def pages() -> tuple[Page, ...]:
    """Every Markdown file of the repository."""
    found = sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(part.startswith(".") or part in _NOT_OURS for part in path.relative_to(ROOT).parts)
    )
    return tuple(Page(path, _COMMENT.sub("", path.read_text("utf-8"))) for path in found)

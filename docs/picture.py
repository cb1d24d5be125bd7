"""`python docs/picture.py`: makes docs/live.svg, the README's picture, out of a real run over the built-in clip."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path

import cv2

from edge import clip
from edge.clock import REPLAY
from edge.config import Config
from edge.detail import FaceDetail
from edge.emotions import LABELS
from edge.observation import Estimate, Frame, Observation
from edge.publish.encoding import state_payload
from edge.publish.topics import ONLINE
from edge.runtime import senses
from edge.runtime.replay import replay
from edge.sources.media import MediaFile
from edge.sources.transcripts import read_transcript_file
from edge.terminal.view import COLOURS, DeviceView, Style, render

AT_S = 3.8
"""The moment shown: she is seen, and the second sentence has just been said."""
ROW, COLUMN, LEFT, TOP = 17, 8.05, 400, 34

PALETTE = {203: "#ff5f5f", 107: "#87af5f", 141: "#af87ff", 220: "#ffd700", 250: "#bcbcbc", 75: "#5fafff"}
PALETTE |= {215: "#ffaf5f", 78: "#5fd787"}


class Watched(MediaFile):
    """Keeps the last picture that was read."""

    frame: Frame | None = None

    def read(self):  # type: ignore[no-untyped-def]
        item = super().read()
        if isinstance(item, Frame):
            self.frame = item
        return item


def main() -> None:
    config = Config()
    face: Observation | None = None
    with Watched(clip.path()) as media:
        for item in replay(media, senses.build(config), config, read_transcript_file(clip.transcripts())):
            if isinstance(item, Observation) and item.sense == "face":
                face = item
            if isinstance(item, Estimate) and item.captured_at >= AT_S:
                break
        assert isinstance(item, Estimate)
        assert media.frame is not None
        state = state_payload(item, REPLAY, valid_for=2.0)
        image = media.frame.image.copy()
    if face is not None and isinstance(face.detail, FaceDetail):
        left, top, width, height = (round(value) for value in face.detail.box)
        cv2.rectangle(image, (left, top), (left + width, top + height), (0, 215, 255), 2)
    lines = render([DeviceView("robot", ONLINE, state)], Style(width=80), AT_S)
    path = Path(__file__).with_name("live.svg")
    path.write_text(svg(image, [line for line in lines if line.strip()]), encoding="utf-8")
    print(f"{path}: {path.stat().st_size} bytes, {state.label} {state.confidence:.2f}")
    assert set(COLOURS) == set(LABELS)


def svg(image, lines: list[str]) -> str:  # type: ignore[no-untyped-def]
    small = cv2.resize(image, (376, 282), interpolation=cv2.INTER_AREA)
    jpeg = base64.b64encode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()).decode()
    height = TOP + ROW * len(lines) + 8
    text = "\n".join(
        f'<text x="{LEFT}" y="{TOP + ROW * i}" xml:space="preserve">{spans(line)}</text>'
        for i, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1060 {height}" font-family="DejaVu Sans Mono, Menlo, '
        f'Consolas, monospace" font-size="13.3" fill="#e4e4e4"><rect width="100%" height="100%" rx="8" fill="#16181d"/>'
        f'<image x="12" y="{(height - 282) // 2}" width="376" height="282" href="data:image/jpeg;base64,{jpeg}"/>'
        f"{text}</svg>\n"
    )


def spans(line: str) -> str:
    """One line with ANSI colours as SVG; each run is placed by its column, since fonts differ in their blocks."""
    out, column, style = [], 0, ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            codes = part[2:-1]
            colour = re.search(r"38;5;(\d+)", codes)
            style = f' fill="{PALETTE.get(int(colour[1]), "#e4e4e4")}"' if colour else ""
            style += ' font-weight="bold"' if codes.startswith("1") else ' opacity="0.6"' if codes == "2" else ""
        elif part:
            out.append(f'<tspan x="{LEFT + column * COLUMN:.1f}"{style}>{html.escape(part)}</tspan>')
            column += len(part)
    return "".join(out)


if __name__ == "__main__":
    main()

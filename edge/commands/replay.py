"""`edge-emotion replay FILE` runs the senses over a recording, in media time and without a broker."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.commands import Commands
    from edge.observation import Transcript

AFTER_END_S: Final = 10.0
"""Seconds by which a transcript may lie beyond the end of the recording, since the duration in a file may be wrong by
some seconds."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "replay",
        help="read a recording as fast as it goes; same input, same output",
        description="Reads a media file as fast as it goes and prints what follows, in media time. "
        "No broker is needed; the same file gives the same bytes each time.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a media file with picture, sound or both")
    parser.add_argument("--json", action="store_true", help="one JSON estimate a line (schema edge-emotion/state/2)")
    parser.add_argument(
        "--observations", action="store_true", help="with --json: also every single observation of each sense"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (default: the built-in one)")
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="FILE",
        help='what is said in it, one JSON object a line: {"time": seconds, "text": …} (default: none)',
    )
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    from edge import clock
    from edge import config as configuration
    from edge.observation import Estimate
    from edge.publish.encoding import encode, observation_payload, state_payload
    from edge.runtime import senses
    from edge.runtime.replay import replay
    from edge.sources.media import MediaFile
    from edge.sources.transcripts import read_transcript_file
    from edge.terminal.summary import Summary

    settings = configuration.load(arguments.config) if arguments.config else configuration.Config()
    transcripts = read_transcript_file(arguments.transcripts) if arguments.transcripts else ()
    summary = Summary()
    with MediaFile(arguments.file) as media:
        _check_times(transcripts, media.duration, arguments.transcripts)
        for item in replay(media, senses.build(settings), settings, transcripts):
            summary.add(item)
            if not arguments.json:
                continue
            at = item.captured_at
            if isinstance(item, Estimate):
                payload = encode(
                    state_payload(item, clock.REPLAY, valid_for=settings.mqtt.state_valid_s, media_time=at)
                )
            elif arguments.observations:
                payload = encode(observation_payload(item, clock.REPLAY, media_time=at))
            else:
                continue
            sys.stdout.buffer.write(payload + b"\n")
            sys.stdout.buffer.flush()
    if not arguments.json:
        print(summary.text(arguments.file.name))
    return 0


def _check_times(transcripts: Sequence[Transcript], duration: float, path: Path) -> None:
    """Checks that no transcript lies far beyond the end of the recording.

    Without this check the replay would continue to estimate up to that time.

    Args:
        transcripts: transcripts in media time.
        duration: duration of the recording in seconds; 0 if unknown, so that only the limit of `read_transcript_file`
            applies.
        path: file of the transcripts, for the error message.

    Raises:
        SourceError: a transcript lies more than `AFTER_END_S` beyond the end.
    """
    from edge.errors import SourceError

    latest = max((transcript.captured_at for transcript in transcripts), default=0.0)
    if duration > 0 and latest > duration + AFTER_END_S:
        raise SourceError(
            f"transcripts {path}: a 'time' of {latest:.6g} s lies beyond the end of the recording ({duration:.1f} s)"
        )

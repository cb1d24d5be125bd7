"""Every error this package raises on purpose: one base, and each also the builtin a caller would expect.

The message is always one line that names the thing and the way out; the command line prints it as it is.
"""

from __future__ import annotations


class EdgeEmotionError(Exception):
    """Base of all errors of Edge Emotion."""


class ConfigError(EdgeEmotionError, ValueError):
    """The configuration file is missing, is no TOML, or has an unknown or ill-typed key."""


class SourceError(EdgeEmotionError, OSError):
    """A camera, microphone, media file or transcript stream cannot be opened or has gone."""


class SourceEnded(EdgeEmotionError, EOFError):
    """A source that ends by its nature (a file, standard input) has given its last item."""


class ModelError(EdgeEmotionError, ValueError):
    """A model file is missing, corrupt, or does not match its card."""


class BrokerError(EdgeEmotionError, ConnectionError):
    """The broker's address is malformed, or it is unreachable or refuses us where we cannot go on without it."""


class ConversionError(EdgeEmotionError, RuntimeError):
    """A model could not be converted, or its conversion is not equal to the source."""


class ServiceError(EdgeEmotionError, RuntimeError):
    """The systemd service cannot be installed, removed or asked."""


class MissingExtraError(EdgeEmotionError, ImportError):
    """An optional package is needed for what was asked; the message ends with the command that installs it."""

    def __init__(self, need: str, extra: str, only: str | None = None) -> None:
        """Builds the message.

        Args:
            need: What needs the package, as the subject of a sentence.
            extra: The extra of this distribution that brings it; empty for a package that every install brings.
            only: The one package of `extra` that is missing; None for all.
        """
        from edge.extras import install_command

        super().__init__(f"{need} needs an optional package: {install_command(extra, only)}")

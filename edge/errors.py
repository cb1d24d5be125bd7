"""The errors that this package raises on purpose.

All derive from `EdgeEmotionError`, and each also from the builtin exception that a caller would expect. The message is
always one line that says what is wrong and what to do; the command line prints it unchanged.
"""

from __future__ import annotations


class EdgeEmotionError(Exception):
    """Base class of all errors of Edge Emotion."""


class ConfigError(EdgeEmotionError, ValueError):
    """The configuration file is missing, is not valid TOML, or has an unknown key or an invalid value."""


class SourceError(EdgeEmotionError, OSError):
    """A camera, microphone, media file or transcript stream cannot be opened or has stopped delivering."""


class SourceEnded(EdgeEmotionError, EOFError):
    """A source has delivered its last item (the end of a file or of standard input) or was closed."""


class ModelError(EdgeEmotionError, ValueError):
    """A model file is missing, corrupt, or does not match its card."""


class BrokerError(EdgeEmotionError, ConnectionError):
    """The broker's address is malformed, or the broker is needed and cannot be reached or refuses the connection."""


class ConversionError(EdgeEmotionError, RuntimeError):
    """A model could not be converted, or the converted model does not match its source."""


class ServiceError(EdgeEmotionError, RuntimeError):
    """The systemd service cannot be installed, removed or queried."""


class MissingExtraError(EdgeEmotionError, ImportError):
    """An optional package is missing. The message ends with the command that installs it."""

    def __init__(self, need: str, extra: str, only: str | None = None) -> None:
        """Builds the message from what was needed and the extra that provides it.

        Args:
            need: What needs the package, as the subject of a sentence.
            extra: The extra of this distribution that contains the package; empty for a package of every installation.
            only: The one package of `extra` that is missing; None for all of them.
        """
        from edge.extras import install_command

        super().__init__(f"{need} needs an optional package: {install_command(extra, only)}")

"""Keeps credentials out of whatever names a source: messages, the log, `info` and `state`."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "…"
"""Stands for what was left out."""

_URL: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_USER_INFO: Final = re.compile(r"//(\S*)@")
"""From the slashes to the last at sign of the word: a password may hold slashes unescaped."""
_NAMED: Final = re.compile(
    r"(?i)\b((?:[\w-]*[_-])?(?:user(?:name)?|user-id|pw|pass(?:word|wd|phrase)?|token|secret|key|auth|"
    r"credentials?|session|sig(?:nature)?|cookies?|headers?)(?:[_-][\w-]*)?\s*=\s*)"
    r"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^\s\"'!&;,?#]+)"
)
"""`user-pw="secret"` and its like, as properties of a GStreamer pipeline are written."""


def masked(text: str) -> str:
    """Hides the credentials in a camera's source, or in a message that quotes it.

    Of every URL, the user and password, the values of the query and the fragment are hidden; scheme, host, port, path
    and the names in the query stay, so that a reader can tell which camera is meant. Outside of URLs, the values of
    properties named like credentials are hidden, such as `user-id` and `user-pw` of a GStreamer element. A path is
    kept as it is: a stream whose path is itself a secret cannot be told from one whose path is a name.
    """
    return _NAMED.sub(rf"\g<1>{HIDDEN}", _URL.sub(lambda found: _masked_url(found[0]), text))


def _masked_url(url: str) -> str:
    user = _USER_INFO.search(url)
    if user is not None and re.search(r"[?#]", user[1]):
        # The at sign may end a password or stand in a query: what follows it may be the host or a secret.
        return f"{url[: user.start()]}//{HIDDEN}"
    url = _USER_INFO.sub(f"//{HIDDEN}@", url)
    address, mark, rest = url.partition("#")
    fragment = mark + HIDDEN if mark and rest else mark
    # A second question mark belongs to the query; cameras are found to divide values by semicolons too.
    address, mark, query = address.partition("?")
    if query:
        query = "".join(_masked_value(part) for part in re.split(r"([&;])", query))
    path, semicolon, parameters = address.partition(";")
    if "=" in parameters:
        parameters = "".join(_masked_value(part) for part in re.split(r"([;/])", parameters))
    return path + semicolon + parameters + mark + query + fragment


def _masked_value(part: str) -> str:
    name, equals, value = part.partition("=")
    if value.strip("="):
        return name + equals + HIDDEN
    # `?SECRET` has no name to keep, nor has one in base64, which may end with equals signs.
    return part if part in {"", "&", ";", "/"} else HIDDEN

"""Masks credentials wherever a source is named: in messages, the log, `info` and `state`."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "…"
"""Replacement for a masked value."""

_URL: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
"""A URL within a text."""
_USER_INFO: Final = re.compile(r"//(\S*)@")
"""User and password of a URL, up to the last at sign, because a password may contain unescaped slashes."""
_CREDENTIAL_PROPERTY: Final = re.compile(
    r"(?i)\b((?:[\w-]*[_-])?(?:user(?:name)?|user-id|pw|pass(?:word|wd|phrase)?|token|secret|key|auth|"
    r"credentials?|session|sig(?:nature)?|cookies?|headers?)(?:[_-][\w-]*)?\s*=\s*)"
    r"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^\s\"'!&;,?#]+)"
)
"""Assignment of a credential such as `user-pw="secret"`, in the syntax of GStreamer properties."""


def masked(text: str) -> str:
    """Masks the credentials in a camera's source, or in a message that quotes it.

    In every URL, the user, the password, the values of the query and the fragment are masked. Scheme, host, port, path
    and the names in the query remain, so that the camera can be identified. Outside of URLs, the values of properties
    named like credentials are masked, such as `user-id` and `user-pw` of a GStreamer element. Paths are not masked,
    because a secret path cannot be distinguished from a name.
    """
    return _CREDENTIAL_PROPERTY.sub(rf"\g<1>{HIDDEN}", _URL.sub(lambda found: _masked_url(found[0]), text))


def _masked_url(url: str) -> str:
    user_info = _USER_INFO.search(url)
    if user_info is not None and re.search(r"[?#]", user_info[1]):
        # The at sign may end a password or be part of a query, so what follows may be the host or a secret.
        return f"{url[: user_info.start()]}//{HIDDEN}"
    url = _USER_INFO.sub(f"//{HIDDEN}@", url)
    address, mark, rest = url.partition("#")
    fragment = mark + HIDDEN if mark and rest else mark
    # A second question mark belongs to the query. Some cameras separate values by semicolons.
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
    # `?SECRET` has no name to keep; neither has a base64 value, which may end with equals signs.
    return part if part in {"", "&", ";", "/"} else HIDDEN

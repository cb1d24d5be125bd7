"""Writes ROS messages to a rosbag2 recording with MCAP storage, which `ros2 bag play` and Foxglove open.

Serialisation (CDR) and the file format are those of the package `rosbags`, which needs no ROS.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from edge.errors import EdgeEmotionError, MissingExtraError
from edge.ros.messages import DEFINITIONS, Expression, Header, IdsList, Message, Time

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


class Serialiser:
    """Converts messages to CDR and back."""

    def __init__(self) -> None:
        """Raises `MissingExtraError` if the package `rosbags` is not installed."""
        try:
            from rosbags.typesys import Stores, get_types_from_msg, get_typestore
        except ImportError as error:
            raise MissingExtraError("writing ROS recordings", "ros") from error
        self.typestore: Typestore = get_typestore(Stores.ROS2_HUMBLE)
        for name, definition in DEFINITIONS.values():
            self.typestore.register(get_types_from_msg(definition, name))

    def cdr(self, message: Message) -> bytes:
        """The message in CDR, little-endian with its encapsulation header."""
        name, _ = DEFINITIONS[type(message)]
        return bytes(self.typestore.serialize_cdr(self._ros(message), name))

    def read(self, data: bytes, kind: type[Message]) -> Message:
        """The message of type `kind` in CDR `data`."""
        name, _ = DEFINITIONS[kind]
        ros: Any = self.typestore.deserialize_cdr(data, name)
        fields = {field: getattr(ros, field) for field in kind.__struct_fields__}
        if "header" in fields:
            header = fields["header"]
            fields["header"] = Header(Time(header.stamp.sec, header.stamp.nanosec), header.frame_id)
        if "ids" in fields:
            fields["ids"] = tuple(fields["ids"])
        return kind(**fields)

    def _ros(self, message: Message) -> Any:
        types: Any = self.typestore.types
        fields: dict[str, Any] = {field: getattr(message, field) for field in message.__struct_fields__}
        if isinstance(message, Expression | IdsList):
            header = message.header
            time = types["builtin_interfaces/msg/Time"](sec=header.stamp.sec, nanosec=header.stamp.nanosec)
            fields["header"] = types["std_msgs/msg/Header"](stamp=time, frame_id=header.frame_id)
        if isinstance(message, IdsList):
            fields["ids"] = list(message.ids)
        name, _ = DEFINITIONS[type(message)]
        return types[name](**fields)


class Bag:
    """A recording that is written. The folder must not exist yet; it is complete after `close`."""

    def __init__(self, folder: Path) -> None:
        """Begins the recording.

        Raises:
            EdgeEmotionError: The folder exists, or cannot be made.
            MissingExtraError: The package `rosbags` is not installed.
        """
        self._serialiser = Serialiser()
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.rosbag2.errors import WriterError

        try:
            self._writer = Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
        except WriterError as error:
            raise EdgeEmotionError(f"{folder} exists already; name a new folder for the recording") from error
        except OSError as error:
            raise EdgeEmotionError(f"{folder}: {error.strerror}") from error
        self._folder = folder
        self._connections: dict[str, Any] = {}
        self.count = 0
        """Number of messages written."""

    def write(self, topic: str, at: Time, message: Message) -> None:
        """Writes one message. `at`: time of the recording, which is that of the data."""
        connection = self._connections.get(topic)
        if connection is None:
            name, _ = DEFINITIONS[type(message)]
            connection = self._writer.add_connection(topic, name, typestore=self._serialiser.typestore)
            self._connections[topic] = connection
        self._writer.write(connection, at.sec * 1_000_000_000 + at.nanosec, self._serialiser.cdr(message))
        self.count += 1

    def close(self) -> None:
        """Writes the index and the metadata."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            # Nothing half-written remains, so that the command can be repeated with the same folder.
            self._writer.abort()
            shutil.rmtree(self._folder, ignore_errors=True)

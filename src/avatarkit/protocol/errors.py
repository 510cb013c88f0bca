"""What can be wrong with a message. The protocol has its own tree, because it imports nothing of ours.

::

    ProtocolError
    ├── MalformedMessageError     bytes that are no message, or a message without its body
    ├── MessageTooLargeError      a message over the limit of its direction
    ├── UnexpectedMessageError    a message at the wrong moment, or from the wrong side
    ├── InvalidFieldError         a field outside its range
    └── UnsupportedVersionError   motion of a newer format than this reader knows
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Root of the tree. Its text is one sentence, safe to show to the other side."""


class MalformedMessageError(ProtocolError):
    """The bytes are no message, or the message lacks the body that its type announces."""


class MessageTooLargeError(ProtocolError):
    """A message is larger than its direction allows."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"message of {size_bytes} bytes is over the limit of {limit_bytes}")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class UnexpectedMessageError(ProtocolError):
    """The message does not belong at this point of the session."""


class InvalidFieldError(ProtocolError):
    """A field is outside its range."""


class UnsupportedVersionError(ProtocolError):
    """The motion is of a newer format; the reader must be upgraded."""

    def __init__(self, version: int, supported: int) -> None:
        super().__init__(f"motion format {version} is newer than {supported}, the newest this reader knows")
        self.version = version
        self.supported = supported

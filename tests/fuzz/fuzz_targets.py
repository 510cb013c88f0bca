"""What takes bytes from a stranger: each target takes any bytes and raises only for a fault of ours.

``python tests/fuzz/fuzz.py TARGET`` runs one under Atheris; ``test_fuzz_targets.py`` runs all under Hypothesis.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from avatarkit.audio.ogg import OggReader, OggWriter
from avatarkit.audio.opus import OggOpusDecoder, OggOpusEncoder
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.protocol import (
    AudioReceived,
    MotionChunk,
    PlaybackControlled,
    ProtocolError,
    RequestDropped,
    RequestFinished,
    RequestStarted,
    ServerSession,
    SessionConfigured,
    SessionRefused,
)
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.client_session import ClientSession
from avatarkit.server.ingress.framing import FrameError, FrameReader

Target = Callable[[bytes], None]


def pieces(data: bytes) -> Iterator[bytes]:
    """``data`` as messages, each behind its length in two bytes; the last may be shorter than that says."""
    while len(data) >= 2:
        (length,) = struct.unpack_from("<H", data)
        yield data[2 : 2 + length]
        data = data[2 + length :]


def joined(*messages: bytes) -> bytes:
    """The inverse of :func:`pieces`."""
    return b"".join(struct.pack("<H", len(message)) + message for message in messages)


def server_session(data: bytes) -> None:
    """A client's messages: every request is owed exactly one end, and a refusal is the last that is said."""
    session = ServerSession("c1")
    open_ids: set[str] = set()
    refused = False
    for message in pieces(data):
        events = session.receive_bytes(message)
        assert not (refused and events)
        for event in events:
            match event:
                case SessionRefused(code, text):
                    refused = True
                    open_ids.clear()
                    assert pb.Message.FromString(session.error(code, text)).server_error.message == text
                case SessionConfigured():
                    session.confirm()
                case RequestStarted(req_id):
                    assert req_id not in open_ids
                    open_ids.add(req_id)
                case AudioReceived(req_id, audio):
                    assert req_id in open_ids
                    assert audio
                case RequestFinished(req_id):
                    assert session.is_open(req_id)
                case RequestDropped(req_id):
                    open_ids.remove(req_id)
                    assert not session.is_open(req_id)
                    session.end_dropped(event)
                case PlaybackControlled():
                    session.playback_state(event)
        assert refused or all(session.is_open(req_id) for req_id in open_ids)


def client_session(data: bytes) -> None:
    """A server's messages, as our client takes them."""
    session = ClientSession()
    session.configure(16000)
    for message in pieces(data):
        try:
            session.receive_bytes(message)
        except ProtocolError:
            assert not session.confirmed
            return


def websocket_frames(data: bytes) -> None:
    """The frame layer gives the same messages however the bytes are cut, and keeps its limit."""
    cut, stream = (data[0] if data else 0), data[1:]
    results = []
    for parts in ([stream], [stream[:cut], stream[cut:]], [bytes((byte,)) for byte in stream]):
        reader, heard, code = FrameReader(1000), [], 0
        try:
            for part in parts:
                heard += reader.receive(part)
        except FrameError as problem:
            code = problem.code
        assert all(len(message.data) <= 1000 for message in heard)
        results.append((code, [] if code else heard))
    assert results[0] == results[1] == results[2]


def ogg_opus(data: bytes) -> None:
    """A stream as it may come: decoded or refused, the same however it is cut."""
    cut, stream = (data[0] if data else 0), data[1:]
    assert _decode(stream) == _decode(stream[:cut], stream[cut:])


def opus_pages(data: bytes) -> None:
    """Well-formed pages, so that what is behind their checksums is reached: flags, positions and packets are any."""
    writer = OggWriter(7)
    stream = b"".join(writer.page(header, 0) for header in _HEADERS)
    for piece in pieces(data):
        position, packet = int.from_bytes(piece[:8], "little", signed=True), piece[9:]
        stream += writer.page(packet, position, last=bool(piece[8:9] > b"\x7f"))
    _decode(stream)


def _decode(*parts: bytes) -> bytes | ErrorCode:
    decoder = OggOpusDecoder()
    try:
        pcm = b"".join(decoder.decode(part) for part in parts)
    except AvatarError as refused:
        assert refused.code is ErrorCode.INVALID_AUDIO_INPUT  # noqa: PT017 - most bytes are refused
        return refused.code
    assert len(pcm) % 2 == 0
    return pcm


def _stream() -> bytes:
    encoder = OggOpusEncoder(sample_rate=16000)
    return encoder.encode(b"\x10\x00\x40\x20" * 800) + encoder.finish()


def _said() -> list[bytes]:
    messages = [
        pb.Message(type=1, client_configure_session=pb.ClientConfigureSession(sample_rate=16000)),
        pb.Message(type=3, client_audio_input=pb.ClientAudioInput(req_id="a", audio=b"\1\2")),
        pb.Message(type=8, client_pause=pb.ClientPause(req_id="a")),
        pb.Message(type=3, client_audio_input=pb.ClientAudioInput(req_id="b", end=True)),
        pb.Message(type=7, client_interrupt=pb.ClientInterrupt(req_id="b")),
    ]
    return [message.SerializeToString() for message in messages]


def _answered() -> list[bytes]:
    server, (configure, audio, *_) = ServerSession("c1"), _said()
    server.receive_bytes(configure)
    confirmed = server.confirm(("playback_control",))
    server.receive_bytes(audio)
    return [confirmed, server.motion("a", MotionChunk(0, b"\7" * 52, b"\1" * 12)), server.end("a")]


def _audio_pages() -> list[bytes]:
    return [
        struct.pack("<qB", page.granule, 255 * page.is_last) + packet
        for page in OggReader().pages(_stream())[2:]
        for packet in page.packets
    ]


_HEADERS = OggReader().feed(_stream())[:2]
_FRAMES = b"\x02\x83\1\2\3\4abc\x89\x80\1\2\3\4\x80\x81\1\2\3\4b\x81\x81\1\2\3\4a"
SEEDS: dict[Target, bytes] = {
    server_session: joined(*_said()),
    client_session: joined(*_answered()),
    websocket_frames: b"\7" + _FRAMES,
    ogg_opus: b"\x30" + _stream(),
    opus_pages: joined(*_audio_pages()),
}
"""For each target, bytes that get far."""
TARGETS = {target.__name__: target for target in SEEDS}

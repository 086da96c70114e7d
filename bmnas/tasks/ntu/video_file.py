"""Read and write the clips of NTU RGB+D with PyAV: decoded from the first frame on, and counted by decoding.

Headers are not believed: a prepared file can say 105 and hold 103 frames. Nothing is sought, because seeking ends at
other frames in some of these files. Only AVI is read: other containers can name further files and addresses.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bmnas.errors import BmnasError
from bmnas.files import reason

if TYPE_CHECKING:
    from av import VideoFrame

Array = np.ndarray[Any, np.dtype[np.uint8]]

SIDE = 256
ASKING = "videos are read with PyAV, which is not installed; run: pip install 'bmnas[video]'"

_MOST_FRAMES = 3000  # ten times the longest clip; each takes 98 KB of memory
_RATE = 30
# Of MPEG-4 part 2, from 1 to 31: the same quality for all frames of all clips. ffmpeg's default for .avi is 200 kb/s
# whatever is seen.
_QUANTISER = "3"
_RIFF_HEAD = 8


@dataclass(frozen=True, eq=False)
class Clip:
    """The frames of a file, not yet colours.

    Attributes:
        frames: those that were decoded, in their order.
        announced: how many the file's header says there are; 0 where it says nothing.
        rate: frames a second.
    """

    frames: Sequence[VideoFrame]
    announced: int
    rate: Fraction

    def __len__(self) -> int:
        return len(self.frames)

    def colours(self, index: int, order: str) -> Array:
        """A frame (height, width, 3) as bytes, in the order ``rgb`` or ``bgr``."""
        colours: Any = self.frames[index].to_ndarray(format=f"{order}24")  # bytes, of this format
        frame: Array = colours
        return frame


def read_clip(path: Path, side: int | None = SIDE) -> Clip:
    """Decode a clip.

    Args:
        path: of an AVI file.
        side: frames of another size are scaled to this height and width while they are decoded, whatever the aspect
            ratio; all are left as they are if it is ``None``.

    Raises:
        BmnasError: it cannot be read, is no AVI, has no frames, or is cut off; or there is no PyAV.
    """
    av = _pyav()
    decoded: list[VideoFrame] = []
    try:
        # Read by Python, so that its name is no address or pattern to FFmpeg.
        with path.open("rb") as file, av.open(file, format="avi") as container:
            if not container.streams.video:
                raise BmnasError(f"{path}: has no video in it")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1  # as many files are read at a time as there are cores
            announced, rate = stream.frames, stream.average_rate or Fraction(_RATE)
            for frame in container.decode(stream):
                if len(decoded) == _MOST_FRAMES:
                    raise BmnasError(f"{path}: has more than {_MOST_FRAMES:,} frames, but a clip has some hundred")
                decoded.append(_scaled(frame, side))
    except av.error.FFmpegError as error:  # before OSError, of which it may be one
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
        if not decoded:
            raise BmnasError(f"{path}: is damaged, or no AVI video: {_words(error)}") from error
        cut_off = _cut_off(path, len(decoded))
        raise BmnasError(cut_off or f"{path}: is damaged after {len(decoded):,} frames: {_words(error)}") from error
    except OSError as error:
        raise BmnasError(f"{path}: cannot be read: {reason(error)}") from error
    if not decoded:
        raise BmnasError(f"{path}: has no frame that can be decoded")
    # Each of the two alone proves nothing: headers are wrong in files that are whole.
    if len(decoded) < announced and (cut_off := _cut_off(path, len(decoded))):
        raise BmnasError(cut_off)
    return Clip(decoded, announced, rate)


def written_clip(clip: Clip) -> bytes:
    """The content of an AVI file with these frames, as MPEG-4 part 2 of constant quality.

    Raises:
        BmnasError: there is no PyAV.
    """
    av = _pyav()
    file = io.BytesIO()
    first = clip.frames[0]
    with av.open(file, "w", format="avi") as container:
        quality = {"qmin": _QUANTISER, "qmax": _QUANTISER}
        # Typed for all codecs at once, of which sounds and subtitles are some.
        stream: Any = container.add_stream("mpeg4", rate=_RATE, options=quality)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.codec_context.thread_count = 1
        for packet in _packets(stream, clip):
            container.mux(packet)
    return file.getvalue()


def refuse_without_pyav() -> None:
    """See that videos can be read at all.

    Raises:
        BmnasError: there is no PyAV.
    """
    _pyav()


def _packets(stream: Any, clip: Clip) -> Iterator[Any]:
    for number, frame in enumerate(clip.frames):
        plain = frame.reformat(format="yuv420p")
        # The times of official files are not those of the frames' order; here, frame follows frame.
        plain.pts, plain.time_base, plain.pict_type = number, Fraction(1, _RATE), 0
        yield from stream.encode(plain)
    yield from stream.encode(None)


def _scaled(frame: VideoFrame, side: int | None) -> VideoFrame:
    if side is None or frame.width == frame.height == side:
        return frame
    # ffmpeg's own scaler by default, as in the released preparation.
    return frame.reformat(width=side, height=side, interpolation="BICUBIC")


def _cut_off(path: Path, frames: int) -> str:
    """What to say of a file that should be longer by its own first words; nothing where it is as long as it says."""
    with path.open("rb") as file:
        head = file.read(_RIFF_HEAD)
    missing = int.from_bytes(head[4:], "little") + _RIFF_HEAD - path.stat().st_size
    return f"{path}: is cut off after {frames:,} frames: {missing:,} bytes are missing" if missing > 0 else ""


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise BmnasError(ASKING) from error
    return av

"""A folder of inputs: what int8's scales are found with, where one is given.

Images are prepared as the papers' networks are tested: the shorter side to 8/7 of the input's, the
middle cut out, values from 0 to 1, of three channels less ImageNet's mean over its standard
deviation (Krizhevsky et al. 2012, section 5; the numbers are torchvision's). Arrays of numpy are
taken as they are, so whoever prepares inputs otherwise saves them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cnnbench.errors import InputError, SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

IMAGES, ARRAY = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".webp"), ".npy"
_MOST = 256  # files, and rows of arrays, spread evenly
_CROP = 7 / 8
_MEAN, _STANDARD_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def files_in(folder: str) -> list[Path]:
    """Its images and arrays by their names, at most 256; SettingError where it has none."""
    try:
        there = sorted(Path(folder).iterdir())
    except OSError as error:
        raise SettingError(f"--calibrate {folder} cannot be read: {error.strerror}") from error
    found = [one for one in there if one.suffix.lower() in (*IMAGES, ARRAY) and one.is_file()]
    if not found:
        kinds = ", ".join((*IMAGES, ARRAY))
        raise SettingError(
            f"--calibrate {folder} has no image or array in it ({kinds}); its own "
            "folders are not looked into"
        )
    return list(_spread(found))


def _spread(found: Sequence[T]) -> Iterator[T]:
    """At most so many of them, evenly."""
    number = min(len(found), _MOST)
    return (found[place * len(found) // number] for place in range(number))


def content(folder: str) -> str:
    """What its files are, as a word."""
    said = blake2b(digest_size=16)
    for file in files_in(folder):
        said.update(file.read_bytes())
    return said.hexdigest()


def inputs_of(folder: str, shape: Sequence[int], dtype: Any) -> Iterator[NDArray[Any]]:
    """Passes of arrays of the input's `shape`, whose first side is the batch.

    The last pass is filled up from the first file on. InputError for what cannot be such an input.
    """
    import numpy as np

    batch, *one = shape
    rows = [made for file in files_in(folder) for made in _read(file, tuple(one), dtype)]
    found = list(_spread(rows))
    for start in range(0, len(found), batch):
        yield np.stack([found[(start + place) % len(found)] for place in range(batch)])


def _read(file: Path, shape: tuple[int, ...], dtype: Any) -> list[NDArray[Any]]:
    if file.suffix.lower() in IMAGES:
        return [_image(file, shape, dtype)]
    import numpy as np

    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of several")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file} is no array that can be read") from error
    rows = array[None] if array.shape == shape else array
    if rows.shape[1:] != shape or not len(rows) or rows.dtype.kind not in "fiub":
        said = "x".join(map(str, array.shape)) or "no side"
        asked = "x".join(map(str, shape))
        raise InputError(
            f"{file} holds {said} of {array.dtype}; the network takes {asked}, or rows of it"
        )
    with np.errstate(over="ignore"):
        taken = [row.astype(dtype) for row in _spread(list(rows))]
    if not all(np.isfinite(row).all() for row in taken):
        raise InputError(f"{file} holds values that are not finite")
    return taken


def _image(file: Path, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An image of that shape, channels first or last; whole inputs keep values from 0 to 255."""
    import numpy as np
    from PIL import Image, ImageOps

    first, last = shape[:1], shape[-1:]
    if len(shape) != 3 or not {first, last} & {(1,), (3,)}:
        sides = "x".join(map(str, shape))
        raise InputError(f"an image is no input of {sides}; --calibrate takes .npy for it")
    is_first = first in ((1,), (3,))
    channels, (height, width) = (shape[0], shape[1:]) if is_first else (shape[2], shape[:2])
    try:
        with Image.open(file) as opened:
            if opened.mode[0] in "IF":
                raise InputError(f"{file} has more than 8 bits a value; save it as .npy")
            image = opened.convert("RGB" if channels == 3 else "L")
    except Image.DecompressionBombError as error:
        raise InputError(f"{file} is too large an image; make it smaller") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{file} is no image that can be read") from error
    larger = (round(width / _CROP), round(height / _CROP))
    image = ImageOps.fit(image, larger, Image.Resampling.BILINEAR)
    left, top = ((large - side) // 2 for large, side in zip(larger, (width, height), strict=True))
    image = image.crop((left, top, left + width, top + height))
    values = np.asarray(image).reshape(height, width, channels)
    if np.issubdtype(dtype, np.floating):
        values = values / np.float32(255)
        if channels == 3:
            values = (values - _MEAN) / _STANDARD_DEVIATION
    return np.ascontiguousarray(values.transpose(2, 0, 1) if is_first else values).astype(dtype)

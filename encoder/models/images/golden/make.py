"""Writes pillow.json: what Pillow and numpy make of a picture that is the same everywhere.

    pip install pillow==11.3.0 numpy && python make.py

The pictures are resized by Pillow itself, as the models' own processors do; sizes, order of tiles and patches, and scaling
follow transformers' SiglipImageProcessor, Qwen2VLImageProcessor and Idefics3ImageProcessor, written anew with numpy. Nothing
of Maxleaf is used. Pillow 13 changed the order of its passes (#9549); the models were trained with older ones. The checksums are SHA-256, of bytes for pictures and of little-endian float32 for tensors.
"""

import hashlib
import json
import math
import pathlib

import numpy as np
import PIL
from PIL import Image

KERNELS = {"bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def picture(width, height):
    """Smooth, noisy and sharp-edged all at once; the same as testing.ts makes."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    channels = []
    for c in range(3):
        smooth = (x * 5 + y * 3 + c * 71) // 4
        noise = (x * x * 7 + y * y * 11 + x * y * (c + 3)) % 97
        edge = ((x // 9 + y // 5) % 2) * 90
        channels.append((smooth + noise + edge) % 256)
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8), "RGB")


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def scaled(image, mean, std):
    values = (np.asarray(image).astype(np.float64) * (1 / 255)).astype(np.float32)
    return (values - np.array(mean, np.float32)) / np.array(std, np.float32)


def planes(image, mean, std):
    return scaled(image, mean, std).transpose(2, 0, 1)


HALF = [0.5] * 3


def squash(image):
    return planes(image.resize((448, 448), Image.BICUBIC), HALF, HALF)


def smart_resize(width, height):
    factor, low, high = 28, 56 * 56, 768 * 28 * 28
    w, h = round(width / factor) * factor, round(height / factor) * factor
    if w * h > high:
        beta = math.sqrt(height * width / high)
        w = max(factor, math.floor(width / beta / factor) * factor)
        h = max(factor, math.floor(height / beta / factor) * factor)
    elif w * h < low:
        beta = math.sqrt(low / (height * width))
        w, h = math.ceil(width * beta / factor) * factor, math.ceil(height * beta / factor) * factor
    return w, h


def patches(image):
    w, h = smart_resize(*image.size)
    mean = [0.48145466, 0.4578275, 0.40821073]
    std = [0.26862954, 0.26130258, 0.27577711]
    one = planes(image.resize((w, h), Image.BICUBIC), mean, std)
    frames = np.stack([one, one])
    rows, columns = h // 14, w // 14
    blocks = frames.reshape(1, 2, 3, rows // 2, 2, 14, columns // 2, 2, 14)
    return blocks.transpose(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(rows * columns, 1176), [1, rows, columns]


def tile_sizes(width, height):
    aspect = width / height
    if width >= height:
        w, h = 2048, int(2048 / aspect)
        h += h % 2
    else:
        w, h = int(2048 * aspect), 2048
        w += w % 2
    w, h = max(w, 1), max(h, 1)
    aspect = w / h
    if w >= h:
        wide = math.ceil(w / 512) * 512
        high = max(1, math.ceil(int(wide / aspect) / 512)) * 512
    else:
        high = math.ceil(h / 512) * 512
        wide = max(1, math.ceil(int(high * aspect) / 512)) * 512
    return (w, h), (wide, high)


def tiles(image):
    first, second = tile_sizes(*image.size)
    whole = image.resize(first, Image.LANCZOS).resize(second, Image.LANCZOS)
    columns, rows = second[0] // 512, second[1] // 512
    crops = [
        whole.crop((c * 512, r * 512, (c + 1) * 512, (r + 1) * 512)) for r in range(rows) for c in range(columns)
    ]
    crops.append(whole.resize((512, 512), Image.LANCZOS))
    return np.stack([planes(crop, HALF, HALF) for crop in crops]), rows, columns


RESIZES = [
    (61, 97, 448, 448, "bicubic"),
    (827, 1170, 448, 448, "bicubic"),
    (827, 1170, 644, 896, "bicubic"),
    (30, 20, 7, 90, "bicubic"),
    (827, 1170, 300, 424, "lanczos"),
    (362, 512, 384, 512, "lanczos"),
    (61, 97, 300, 200, "lanczos"),
    (1, 1, 28, 56, "lanczos"),
    (3000, 10, 64, 2, "lanczos"),
    (40, 30, 40, 17, "bicubic"),
]
PATCHED = [(413, 585), (1654, 2339), (100, 20), (1, 1), (70, 42)]
TILED = [(413, 585), (1280, 800), (2200, 1600), (3000, 10)]

result = {
    "pillow": PIL.__version__,
    "numpy": np.__version__,
    "pictures": [{"size": [w, h], "sha256": sha256(np.asarray(picture(w, h)))} for w, h in [(61, 97), (827, 1170)]],
    "resizes": [
        {"from": [w, h], "to": [to_w, to_h], "kernel": k, "sha256": sha256(np.asarray(picture(w, h).resize((to_w, to_h), KERNELS[k])))}
        for w, h, to_w, to_h, k in RESIZES
    ],
    "squashed": [{"size": [w, h], "sha256": sha256(squash(picture(w, h)))} for w, h in [(413, 585), (1, 1)]],
    "patched": [],
    "tiled": [],
}
for w, h in PATCHED:
    values, grid = patches(picture(w, h))
    result["patched"].append({"size": [w, h], "grid": grid, "sha256": sha256(values)})
for w, h in TILED:
    values, rows, columns = tiles(picture(w, h))
    result["tiled"].append({"size": [w, h], "rows": rows, "columns": columns, "sha256": sha256(values)})

pathlib.Path(__file__).with_name("pillow.json").write_text(json.dumps(result, indent=2) + "\n")

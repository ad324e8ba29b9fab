"""Writes tiny sets in the layouts of ViDoRe v1, v2 and v3 beside this file, with pyarrow as `datasets` does.

    python3 -m venv venv && venv/bin/pip install pyarrow==26.0.1 pillow==13.0.0
    venv/bin/python test/eval/vidore/make_fixtures.py

Columns and types are those of the data cards (vidore/vidore_v3_pharmaceuticals and others) and of MTEB's loaders.
"""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

HERE = Path(__file__).parent
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def picture(colour, form="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 56), colour).save(buffer, form)
    return {"bytes": buffer.getvalue(), "path": None}


def write(name, columns, compression="snappy", row_group_size=2):
    file = HERE / name
    file.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(key, kind) for key, (kind, _) in columns.items()])
    table = pa.table([pa.array(values, kind) for kind, values in columns.values()], schema=schema)
    pq.write_table(table, file, compression=compression, row_group_size=row_group_size)


COLOURS = ["red", "green", "blue", "white", "black"]

# v1: a row a page. A page without a question, a question asked of two pages (the last counts), a page that comes twice.
write(
    "v1/data/test-00000-of-00001.parquet",
    {
        "query": (pa.string(), ["What is red?", None, "What is shown?", "What is shown?", "What is blue, too?"]),
        "image": (IMAGE, [picture(colour) for colour in ["red", "green", "blue", "white", "blue"]]),
        "image_filename": (pa.string(), ["pages/red.png", "/pages/green.png", "pages/blue.png", "pages/white.png", "pages/blue.png"]),
        "answer": (pa.string(), ["red", None, "blue", "white", "blue"]),
    },
)

# v2: integer ids, languages, graded judgements, two files of one split.
for part, colours in enumerate([COLOURS[:3], COLOURS[3:]]):
    write(
        f"v2/corpus/test-0000{part}-of-00002.parquet",
        {
            "corpus-id": (pa.int64(), [3 * part + at for at in range(len(colours))]),
            "image": (IMAGE, [picture(colour, "JPEG") for colour in colours]),
        },
    )
write(
    "v2/queries/test-00000-of-00001.parquet",
    {
        "query-id": (pa.int64(), [0, 1, 2]),
        "query": (pa.string(), ["What is red?", "Qu'est-ce qui est rouge ?", "What is nowhere?"]),
        "language": (pa.string(), ["english", "french", "english"]),
    },
)
write(
    "v2/qrels/test-00000-of-00001.parquet",
    {
        "query-id": (pa.int64(), [0, 0, 1]),
        "corpus-id": (pa.int64(), [0, 2, 0]),
        "score": (pa.int64(), [2, 1, 2]),
    },
)

# v3: underscores, the text of every page, columns that nothing here reads, zstd.
BOX = pa.list_(pa.struct([(key, pa.int64()) for key in ["annotator", "x1", "x2", "y1", "y2"]]))
write(
    "v3/corpus/test-00000-of-00001.parquet",
    {
        "corpus_id": (pa.int64(), list(range(3))),
        "image": (IMAGE, [picture(colour, "JPEG") for colour in COLOURS[:3]]),
        "doc_id": (pa.string(), ["colours"] * 3),
        "markdown": (
            pa.string(),
            ["# Bread\n\nKnead the dough and bake the loaf.", "# Whales\n\nBlue whales feed on krill.", "# Taxes\n\nFile returns in April."],
        ),
        "page_number_in_doc": (pa.int64(), [0, 1, 2]),
    },
    compression="zstd",
)
write(
    "v3/queries/test-00000-of-00001.parquet",
    {
        "query_id": (pa.int64(), [7, 8]),
        "query": (pa.string(), ["what do whales eat", "comment faire du pain"]),
        "language": (pa.string(), ["english", "french"]),
        "query_types": (pa.list_(pa.string()), [["open-ended"], ["extractive"]]),
        "answer": (pa.string(), ["krill", "knead"]),
    },
    compression="zstd",
)
write(
    "v3/qrels/test-00000-of-00001.parquet",
    {
        "query_id": (pa.int64(), [7, 8]),
        "corpus_id": (pa.int64(), [1, 0]),
        "score": (pa.int64(), [2, 1]),
        "content_type": (pa.list_(pa.string()), [["Text"], ["Table"]]),
        "bounding_boxes": (BOX, [[{"annotator": 0, "x1": 1, "x2": 2, "y1": 3, "y2": 4}], []]),
    },
    compression="zstd",
)

#!/usr/bin/env python3
"""Makes Sources/ApusData/Resources/digits.bin.gz from the digits as text.

    scripts/make-digits.py digits.csv.gz

The input has a row an image: 64 pixels from 0 to 16, row by row, then the digit. It is the test part (optdigits.tes) of
"Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0
(https://doi.org/10.24432/C50P49). The output has 65 bytes an image, the same numbers, compressed.
"""
import gzip
import pathlib
import sys

IMAGE_BYTES = 64
OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "Sources/ApusData/Resources/digits.bin.gz"


def rows(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            row = [int(field) for field in line.split(",")]
            if len(row) != IMAGE_BYTES + 1 or max(row[:IMAGE_BYTES]) > 16 or min(row) < 0 or row[IMAGE_BYTES] > 9:
                sys.exit(f"{path}: line {number}: expected 64 pixels from 0 to 16 and a digit")
            yield bytes(row)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = b"".join(rows(sys.argv[1]))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{OUTPUT.name}: {len(data) // (IMAGE_BYTES + 1)} images, {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()

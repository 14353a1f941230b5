"""Check the CSV of `invobench profile specs/quickstart.yaml`: every cell measured, and the figures that are known.

Usage: python tools/check_quickstart.py FILE.csv ; exits 1 with what is wrong.
"""

from __future__ import annotations

import csv
import sys

#: name -> (parameters, multiply-adds by formula for the whole batch); the involution is 8 images of 22,880,256
KNOWN = {
    "involution7x7": (4388, 8 * 22_880_256),
    "conv3x3": (64 * 64 * 9, 8 * 56 * 56 * 64 * 64 * 9),
    "depthwise7x7": (64 * 49, 8 * 56 * 56 * 64 * 49),
}
MILLIONS = {"rednet26": 9.23, "resnet26": 13.7}


def problems(rows: list[dict[str, str]]) -> list[str]:
    found = []
    if len(rows) != 8:
        found.append(f"8 cells expected, {len(rows)} there")
    for row in rows:
        where = f"{row['name']} ({row['backend']})"
        if row["status"] not in {"ok", "noisy"}:
            found.append(f"{where}: {row['status']}: {row['message']}")
            continue
        if row["macs_formula"] != row["macs_dispatched"]:
            found.append(f"{where}: formula {row['macs_formula']}, counted {row['macs_dispatched']}")
        low, high = row["latency_low_s"] or row["latency_s"], row["latency_high_s"] or row["latency_s"]
        if not 0 < float(low) <= float(row["latency_s"]) <= float(high):
            found.append(f"{where}: latency outside its interval")
        if int(row["peak_memory_bytes"]) <= 0 or not 0 < float(row["max_error"]) < 1e-4:
            found.append(f"{where}: peak memory {row['peak_memory_bytes']}, max_error {row['max_error']}")
        if row["name"] in KNOWN and (int(row["params"]), int(row["macs_formula"])) != KNOWN[row["name"]]:
            found.append(f"{where}: {row['params']} parameters, {row['macs_formula']} multiply-adds")
        published = MILLIONS.get(row["name"])
        if published and abs(int(row["params"]) / 1e6 - published) > (0.15 if row["name"] == "resnet26" else 0.005):
            found.append(f"{where}: {row['params']} parameters, published {published} M")
    return found


if __name__ == "__main__":
    with open(sys.argv[1], newline="", encoding="utf-8") as stream:
        wrong = problems(list(csv.DictReader(stream)))
    print("\n".join(wrong) or "quickstart: every figure as expected")
    sys.exit(bool(wrong))

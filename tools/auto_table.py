"""Turn results of `invobench profile specs/auto.yaml` into the table that `backend: auto` goes by.

Usage: python tools/auto_table.py RESULTS.jsonl... ; rows of device types that these results have are replaced in
invobench/operators/auto.csv, the others stay.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from invobench.results import read_results

TABLE = Path(__file__).parents[1] / "invobench" / "operators" / "auto.csv"
COLUMNS = "operator,device,dtype,mode,batch,in_channels,height,width,kernel_size,stride,backend,latency_s".split(",")


def main(paths: list[str]) -> None:
    rows = [row for path in paths for row in read_results(Path(path)).rows if row.latency_s is not None]
    measured = []
    for row in rows:
        values = {name: getattr(row, name) for name in COLUMNS}
        device = str(row.device).partition(":")[0]
        measured.append({**values, "device": device, "latency_s": f"{row.latency_s:.4g}"})
    devices = {row["device"] for row in measured}
    with TABLE.open(newline="", encoding="utf-8") as stream:
        kept = [row for row in csv.DictReader(stream) if row["device"] not in devices]
    with TABLE.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *measured])
    print(f"{TABLE}: {len(measured)} rows measured on {', '.join(sorted(devices))}, {len(kept)} kept")


if __name__ == "__main__":
    main(sys.argv[1:])

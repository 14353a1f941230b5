#!/usr/bin/env bash
# Measures how good the measuring is, on this machine, and writes reports/measuring.md from what came of it: about
# 9 minutes on two cores that do nothing else. Raw data goes to reports/measuring/.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=reports/measuring
mkdir -p "$OUT"
rm -rf "${OUT:?}/quickstart"
# first, as long as the machine is quiet; what the quickstart's rows are compared with is kept for them
invobench doctor >"$OUT/doctor.txt"
invobench ceilings --device cpu --refresh --format jsonl >"$OUT/ceilings.jsonl"
invobench ceilings --device cpu >"$OUT/ceilings.txt"
status=0
invobench selftest --device cpu --out "$OUT/selftest.jsonl" >"$OUT/selftest.txt" || status=$?
[[ $status == [03] ]] || exit "$status" # 3: an aim is not met here, which the text says
invobench profile specs/quickstart.yaml --device cpu --metrics latency --out "$OUT/quickstart" >"$OUT/quickstart.txt"
invobench profile specs/quickstart.yaml --device cpu --metrics latency --out "$OUT/quickstart" --resume --quiet \
  --format csv >"$OUT/quickstart.csv"
python tools/study_coverage.py --out "$OUT/coverage.csv" >"$OUT/coverage.md"
python -m tools.measuring_report

#!/usr/bin/env bash
# One run on a machine with a GPU: checks every backend against the float64 oracle, then measures.
# Raw results go to $OUT (default: reports/gpu). Runs from the repository, without installing invobench; fvcore may be
# missing, then its column is empty and says so.
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-reports/gpu}
mkdir -p "$OUT"
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
status=0

nvidia-smi | tee "$OUT/nvidia-smi.txt" || exit 1
python3 -m invobench list backends | tee "$OUT/backends.txt" || status=1
python3 -m pytest -q -p no:cacheprovider tests/gpu 2>&1 | tee "$OUT/tests.txt" || status=1
python3 -m invobench doctor | tee "$OUT/doctor.txt" || status=1
python3 -m invobench ceilings --refresh | tee "$OUT/ceilings.txt" || status=1
for spec in quickstart auto networks; do
  rm -rf "${OUT:?}/$spec"
  python3 -m invobench profile "specs/$spec.yaml" --device cuda --out "$OUT/$spec" | tee "$OUT/$spec.txt" || status=1
done
# 3: an aim is not met there, which the text says
python3 -m invobench selftest --device cuda --out "$OUT/selftest.jsonl" | tee "$OUT/selftest.txt"
[[ ${PIPESTATUS[0]} == [03] ]] || status=1
exit $status

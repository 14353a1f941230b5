#!/usr/bin/env bash
# Measures how good the gate is, on this machine, and writes reports/gate.md from what came of it: about an hour on two
# cores that do nothing else, from a clean checkout. Raw data goes to reports/gate/. Stopped, it goes on with the gates
# that it lacks: `tools/gate.sh 20` takes 20 minutes of them at most.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=reports/gate
mkdir -p "$OUT"
[[ -f $OUT/simulated.md ]] || python tools/study_gate_simulated.py --out "$OUT/simulated.csv" >"$OUT/simulated.md"
status=0
[[ -f $OUT/selftest.txt ]] || invobench gate specs/gate.yaml --self-test --no-store >"$OUT/selftest.txt" || status=$?
[[ $status == [03] ]] || exit "$status" # 3: the machine does not bear a threshold, which the text says
python -m tools.study_gate ${1:+--minutes "$1"} --out "$OUT/gates.jsonl"
python -m tools.gate_report "$OUT"

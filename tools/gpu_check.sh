#!/usr/bin/env bash
# What only a machine with a GPU can show: checks every backend against the float64 oracle there, then measures.
#   [OUT=reports/gpu] tools/gpu_check.sh [PART...]
# Without PART: machine tests ceilings quickstart selftest, in under 10 minutes. Each can be run alone, and so can
# graphs contracts networks auto_forward auto_backward auto_train_step, under 6 minutes each. What is printed goes to
# $OUT/log.txt as it comes, and raw results, row by row, to $OUT/PART/results.jsonl and $OUT/PART.jsonl. Runs from the
# repository, without installing invobench; where fvcore or nvidia-ml-py is missing, their columns are empty.
set -uo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-reports/gpu}
USUAL=(machine tests ceilings quickstart selftest)
PARTS=("${USUAL[@]}" graphs contracts networks auto_forward auto_backward auto_train_step)
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1

# SECONDS COMMAND...: ended after so long as by Ctrl-C, which loses no finished row
run() {
  echo "\$ ${*:2}" >&2 # stdout may be a file of results
  timeout --foreground -s INT -k 30 "$@"
}

# PART SPEC SECONDS [OPTION...]: no cell is started after so long
profile() {
  rm -rf "${OUT:?}/$1"
  run $(($3 + 60)) python3 -m invobench profile "specs/$2.yaml" --device cuda --out "$OUT/$1" \
    --set "measure.run_time_s=$3" "${@:4}"
}

machine() {
  run 30 nvidia-smi
  run 60 python3 -m invobench list backends && run 60 python3 -m invobench doctor
}

# a warning of another PyTorch than the one of constraints.txt is no failure
tests() { run 180 python3 -m pytest -q -W default -p no:cacheprovider --timeout 120 tests/gpu; }

ceilings() {
  run 90 python3 -m invobench ceilings --refresh --device cuda --format jsonl >"$OUT/ceilings.jsonl" &&
    run 60 python3 -m invobench ceilings --device cuda
}

selftest() {
  run 300 python3 -m invobench selftest --device cuda --out "$OUT/selftest.jsonl"
  local status=$?
  return $((status == 3 ? 0 : status)) # 3: an aim is not met there, which the text says
}

quickstart() { profile quickstart quickstart 100; }
graphs() { profile graphs quickstart 270 --set execution=eager,cuda_graph; }
contracts() { profile contracts contracts 270; }
networks() { profile networks networks 270; }
auto_forward() { profile auto_forward auto 270 --metrics latency --set mode=forward; }
auto_backward() { profile auto_backward auto 270 --metrics latency --set mode=backward; }
auto_train_step() { profile auto_train_step auto 270 --metrics latency --set mode=train_step; }

main() {
  local needed='import sys, pandas, pydantic, rich, torch, typer, yaml'
  python3 -c "$needed; torch.cuda.is_available() or sys.exit('PyTorch sees no GPU here')" || return 2
  local failed=()
  for part in "$@"; do
    echo "== $part"
    "$part" || failed+=("$part ($?)")
  done
  echo "== ${#failed[@]} of $# parts failed${failed[*]:+: ${failed[*]}}; everything is in $OUT"
  ((${#failed[@]} == 0))
}

(($#)) || set -- "${USUAL[@]}"
for part in "$@"; do
  if [[ " ${PARTS[*]} " != *" $part "* ]]; then
    echo "unknown part '$part'; there are: ${PARTS[*]}" >&2
    exit 2
  fi
done
mkdir -p "$OUT" || exit 2
main "$@" 2>&1 | tee -a "$OUT/log.txt"

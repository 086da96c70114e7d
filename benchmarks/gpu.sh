#!/usr/bin/env bash
# Runs the tests that need a GPU, and prints every number that only a GPU can give, in under 8 minutes.
#
#     benchmarks/gpu.sh              on a machine with a GPU; PYTHON names the interpreter, python3 if left out
#     benchmarks/gpu.sh --rehearse   all of it on the CPU at a small size, so that nothing is met there for the first time
#
# Needs the dependencies of bmnas, and pytest and hypothesis for the tests; bmnas itself is taken from this checkout. Uses no
# network. What is left when time is over is not measured; the exit code is 1 if something is missing or a test failed.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
seconds=465 slower=1
options=(--device cuda)
if [ "${1:-}" = --rehearse ]; then
    options=(--device cpu --small)
    seconds=7200 slower=15 # a CPU that others use, too, is given time
    shift
fi
[ $# -eq 0 ] || { echo "benchmarks/gpu.sh takes nothing but --rehearse" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# LIMIT COMMAND...: at most so many seconds, and no more than are left of all.
part() {
    local left=$((seconds - SECONDS)) limit=$((slower * $1)) begun=$SECONDS
    shift
    if [ "$left" -lt 5 ]; then
        echo "no time left for: $*"
        failed=1
        return
    fi
    timeout "$((left < limit ? left : limit))" "$@" || { echo "failed ($?): $*"; failed=1; }
    echo "[$((SECONDS - begun)) s, $SECONDS s in all]"
}
measure() { part "$1" "$python" "benchmarks/$2" "${@:3}" --folder "$folder" "${options[@]}"; }

measure 60 gpu.py about
# Only these files, because others need packages that have nothing to do with a GPU.
mapfile -t tests < <(grep -rlE '^@pytest\.mark\.gpu|= pytest\.mark\.gpu' --include='test_*.py' tests)
part 120 "$python" -m pytest -p no:cacheprovider -m gpu -rs "${tests[@]}"
measure 90 gpu.py store
for case in plain graphs five amp five-graphs amp-graphs; do
    measure 110 gpu.py search "$case" > "$folder/$case.log" 2>&1
    tail -n 2 "$folder/$case.log"
done
measure 20 gpu.py summary
measure 150 gpu_networks.py
part 40 "$python" benchmarks/joint_step.py --device "${options[1]}" --rounds 9
exit "$failed"

#!/usr/bin/env bash
# The tables of benches/README.md, section "Beside other libraries": baregrad beside other libraries on this machine, in one thread.
#
#     bash benches/peers.sh [--seconds SECONDS] [PART OF A ROW'S NAME]
#
# Builds the peers (some minutes the first time), and sets up a Python with NumPy under target/. To measure PyTorch too, name a Python
# that has both: BENCH_PYTHON=/some/venv/bin/python bash benches/peers.sh. Without a Python the table says "not measured".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
target=${CARGO_TARGET_DIR:-target}

# One thread for everybody: rayon's pool (dfdx, candle), and the libraries below NumPy and PyTorch.
export RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

if [[ -z ${BENCH_PYTHON-} ]]; then
    venv=$target/benches-python
    if [[ -x $venv/bin/python ]] && "$venv/bin/python" -c 'import numpy' 2>/dev/null; then
        BENCH_PYTHON=$venv/bin/python
    elif python3 -m venv "$venv" && "$venv/bin/python" -m pip install --quiet numpy; then
        BENCH_PYTHON=$venv/bin/python
    else
        echo "no Python with NumPy to be had: not measured" >&2
    fi
fi
export BENCH_PYTHON=${BENCH_PYTHON-}

peers() { (cd benches/peers && CARGO_TARGET_DIR="$peers_target" RUSTFLAGS="-C target-cpu=native" cargo "$1" --release "${@:2}"); }
peers_target=$(realpath -m "$target/peers")
# The names of files stay relative to where this was called from.
[[ $BENCH_PYTHON == */* ]] && BENCH_PYTHON=$(realpath -s "$BENCH_PYTHON")

peers build
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
echo "${processor:-$(uname -m)}, $(nproc --all) cores; $(rustc --version); target-cpu=native, release, one thread."
peers run --quiet -- "$@"

# The share of the peak, at each level that this processor has.
if [[ $# -eq 0 && $(uname -m) == x86_64 ]]; then
    echo
    echo "Share of the peak of multiplications and additions (not fused) in the products above: GFLOP/s."
    echo
    echo "| built for | peak | forward | weight gradient | both gradients | share of the peak, all three | limit | |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for level in x86-64 x86-64-v3 x86-64-v4; do
        case $level in
            x86-64-v3) grep -q avx2 /proc/cpuinfo || continue ;;
            x86-64-v4) grep -q avx512vl /proc/cpuinfo || continue ;;
        esac
        RUSTFLAGS="-C target-cpu=$level" cargo run --quiet --release -p benches --bin products --target-dir "$target/levels/$level"
    done
fi

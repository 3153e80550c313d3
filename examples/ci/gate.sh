#!/usr/bin/env bash
# A benchmark as a gate: run one, judge it by objectives, compare it with stored runs. docs/ci.md explains it.
#
# Exit codes are lensload's: 0 passed, 1 an objective was missed or something became slower, 2 wrong usage or runs that
# cannot be compared, 3 the measurement is invalid, 4 the cluster or the registry could not be reached or refused.
#
# Set LENSLOAD_BOOTSTRAP_SERVERS and LENSLOAD_REGISTRY_URL. These have defaults:
: "${LENSLOAD:=lensload}"               # the command
: "${GATE_RATE:=5000}"                  # events per second
: "${GATE_DURATION:=2m}"                # measured time
: "${GATE_WARMUP:=15s}"                 # warm-up before it
: "${GATE_SLOS:=lost == 0}"             # objectives, one per line
: "${GATE_MAX_REGRESSION:=end_to_end.p50=15%
end_to_end.p99=25%}"                    # by how much a figure may become worse, one per line
: "${GATE_ALLOW_DIFFERENT:=}"           # differences that do not prevent a comparison, one per line
: "${GATE_FAIL_ON_UNKNOWN:=0}"           # 1: fail too where the runs cannot tell whether a figure is worse than allowed
: "${GATE_RETRIES:=1}"                  # how often an invalid run is repeated
: "${GATE_CONFIRM:=1}"                  # 1: measure once more before failing for something slower; 0: do not
: "${GATE_BASELINES:=gate-baselines}"   # the folder of stored runs
: "${GATE_KEEP:=8}"                     # how many of them to keep
: "${GATE_ENOUGH:=2}"                   # from this number on, all are used; before that only the newest
: "${GATE_STORE:=first}"                # store a run that passed: always, first (only while there is none) or never
: "${GATE_REFRESH:=0}"                  # 1: compare with nothing, and make this run the only baseline
: "${GATE_OUT:=gate}"                   # the folder of results: JSON, HTML, JUnit (*.xml), summary.md
set -euo pipefail
shopt -s nullglob

case "$GATE_STORE" in
always | first | never) ;;
*)
    echo "gate: GATE_STORE is '$GATE_STORE': give always, first or never." >&2
    exit 2
    ;;
esac
mkdir -p "$GATE_OUT" "$GATE_BASELINES"
rm -f "$GATE_OUT"/*.{json,html,xml,md}
stored=("$GATE_BASELINES"/*.json)
# A few runs show little of how much equal runs differ: intervals from them are so wide that nothing would fail. With one
# run on each side, lensload uses what equal runs usually differ by.
((${#stored[@]} >= GATE_ENOUGH)) || stored=("${stored[@]: -1}")
((GATE_REFRESH)) && stored=()

say() { printf 'gate: %s\n' "$*"; }

# Each line of a text as a flag's value, into the array `flags`.
each_line() {
    local line
    while IFS= read -r line; do
        [[ -z ${line//[[:space:]]/} ]] || flags+=("$1" "$line")
    done <<<"$2"
}

finish() {
    local code=$?
    if [[ -n ${GITHUB_STEP_SUMMARY:-} && -f $GATE_OUT/summary.md ]]; then
        cat "$GATE_OUT/summary.md" >>"$GITHUB_STEP_SUMMARY"
    fi
    case $code in
    0) say "PASSED" ;;
    1) say "FAILED: see above, and $GATE_OUT" ;;
    3) say "INVALID: the measurement shows neither good nor bad; the reason is above" ;;
    4) say "NOT RUN: the cluster or the registry could not be reached, or refused" ;;
    *) say "NOT JUDGED: wrong usage, or runs that cannot be compared; see above" ;;
    esac
}
trap finish EXIT

# Run one benchmark: bench NAME. An invalid run is repeated.
bench() {
    local code try flags
    for ((try = 0; try <= GATE_RETRIES; try++)); do
        flags=(--rate "$GATE_RATE" --duration "$GATE_DURATION" --warmup "$GATE_WARMUP")
        flags+=(--run-file "$GATE_OUT/$1.json" --junit "$GATE_OUT/$1.xml" --html "$GATE_OUT/$1.html")
        flags+=(--summary "$GATE_OUT/$1.md")
        each_line --slo "$GATE_SLOS"
        rm -f "$GATE_OUT/$1.md"
        code=0
        $LENSLOAD bench "${flags[@]}" || code=$?
        ((code == 3)) || break
        say "run '$1' is invalid (try $((try + 1)) of $((GATE_RETRIES + 1)))"
    done
    [[ ! -f $GATE_OUT/$1.md ]] || cat "$GATE_OUT/$1.md" >>"$GATE_OUT/summary.md"
    return "$code"
}

# Compare the stored runs with a new one: compare NAME.
compare() {
    local code=0 file flags=(--junit "$GATE_OUT/compare.xml" --summary "$GATE_OUT/compare.md")
    for file in "${stored[@]}"; do flags+=(--base "$file"); done
    flags+=(--new "$GATE_OUT/$1.json")
    each_line --max-regression "$GATE_MAX_REGRESSION"
    each_line --allow-different "$GATE_ALLOW_DIFFERENT"
    ((!GATE_FAIL_ON_UNKNOWN)) || flags+=(--fail-on-unknown)
    rm -f "$GATE_OUT/compare.md"
    $LENSLOAD compare "${flags[@]}" || code=$?
    return "$code"
}

store() {
    ((!GATE_REFRESH)) || rm -f "$GATE_BASELINES"/*.json
    cp "$GATE_OUT/run.json" "$GATE_BASELINES/$(date -u +%Y%m%dT%H%M%SZ).json"
    local kept=("$GATE_BASELINES"/*.json) # their names sort by age
    ((${#kept[@]} <= GATE_KEEP)) || rm -f "${kept[@]:0:${#kept[@]}-GATE_KEEP}"
    kept=("$GATE_BASELINES"/*.json)
    say "stored as a baseline; there are ${#kept[@]} now, of at most $GATE_KEEP"
}

bench run
if ((${#stored[@]})); then
    code=0
    compare run || code=$?
    if ((code == 1 && GATE_CONFIRM)); then
        say "something seems slower: measuring once more, so that one bad run does not decide"
        bench again
        code=0
        compare again || code=$?
    fi
    [[ ! -f $GATE_OUT/compare.md ]] || cat "$GATE_OUT/compare.md" >>"$GATE_OUT/summary.md"
    ((code == 0)) || exit "$code"
else
    say "no baseline to compare with"
fi
if [[ $GATE_STORE == always || ($GATE_STORE == first && ${#stored[@]} -eq 0) ]]; then
    store
fi

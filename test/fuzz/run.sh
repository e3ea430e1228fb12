#!/usr/bin/env bash
# Builds the fuzz targets, makes their seeds and runs each: test/fuzz/run.sh [SECONDS] [TARGET...]
# A target that is named runs for SECONDS. Without names all run, for three and a half times SECONDS together.
# Needs clang with libFuzzer and the sanitizers (Debian 12: apt-get install clang), and `npm ci` for the seeds.
# What a target finds is kept in test/fuzz/build/findings; run the target with that file to see it again.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz: expected whole seconds, found '$seconds'" >&2; exit 2; }
shift || true
targets=("$@")
# Quarters of SECONDS: more for those that have more to go through.
declare -A quarters=([decode]=3 [table]=3 [packed]=1 [network]=2 [nflog]=1 [capture]=4)
if [[ ${#targets[@]} -eq 0 ]]; then
  targets=(decode table packed network nflog capture)
else
  for target in "${targets[@]}"; do quarters[$target]=4; done
fi
compiler=${CXX_FUZZ:-clang++}
flags=(-std=c++20 -O1 -g -Wall -Wextra -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
# Inputs are a few thousand bytes: what begins with many packets, flows or rows has to begin with few.
flags+=(-DWINDROW_FIRST_PACKETS=4 -DWINDROW_FIRST_LIMIT=32 -DWINDROW_ROWS_OF_BLOCK=8)
root=../..
build=build

fail() {
  echo "fuzz: $1" >&2
  exit 1
}

command -v "$compiler" >/dev/null || fail "$compiler is missing: apt-get install clang"
[[ -x $root/node_modules/.bin/tsc ]] || fail "node_modules is missing: run npm ci first"
mkdir -p "$build/findings"
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$build/probe.cc"
"$compiler" "${flags[@]}" "$build/probe.cc" -o "$build/probe" 2>"$build/probe.log" ||
  fail "$compiler cannot link libFuzzer and the sanitizers (apt-get install libclang-rt-14-dev, or that of your clang): $(tail -n 1 "$build/probe.log")"

echo "fuzz: making the seeds"
"$root/node_modules/.bin/tsc" --ignoreConfig --outDir "$build/js" --rootDir .. --target es2023 --module nodenext --types node \
  --typeRoots "$root/node_modules/@types" --strict --skipLibCheck --rewriteRelativeImportExtensions seeds.ts
echo '{"type":"module"}' >"$build/js/package.json"
rm -rf "$build/seeds"
node "$build/js/fuzz/seeds.js" "$build/seeds"
rm -r "$build/js"

for target in "${targets[@]}"; do
  [[ -f ${target}_fuzzer.cc ]] || fail "no such target: $target"
  echo "fuzz: building $target"
  "$compiler" "${flags[@]}" "${target}_fuzzer.cc" -o "$build/${target}_fuzzer"
done

summary=()
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target log=$build/$target.log
  share=$((seconds * quarters[$target] / 4))
  # To the fuzzer, no seconds are no limit.
  ((share > 0)) || share=1
  mkdir -p "$corpus"
  echo "fuzz: running $target for $share s"
  if ! UBSAN_OPTIONS=print_stacktrace=1 "$build/${target}_fuzzer" "$corpus" "$build/seeds/$target" -dict=pcap.dict \
    -max_total_time="$share" -max_len=6144 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" >"$log" 2>&1; then
    grep -vE '^#[0-9]+' "$log" | head -n 80 >&2
    found=$(grep -oE "$build/findings/$target-[a-z]+-[0-9a-f]+" "$log" | tail -n 1 || true)
    fail "$target found something; the input is test/fuzz/${found:-$build/findings}, the whole log test/fuzz/$log"
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  edges=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1)
  [[ ${runs:-0} -gt 0 ]] || fail "$target ran nothing: see test/fuzz/$log"
  summary+=("$(printf '%-8s %12s inputs in %s s, %s edges, nothing found' "$target" "$runs" "$share" "${edges#cov: }")")
done
printf 'fuzz: %s\n' "${summary[@]}"

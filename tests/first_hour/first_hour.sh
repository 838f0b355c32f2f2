#!/usr/bin/env bash
# A newcomer's first hour, from a clean copy of the repository to a map of one's own that opens on a phone.
#
#   tests/first_hour/first_hour.sh REPOSITORY EMPTY_FOLDER        DEMO_KM=12 for the whole demo
#
# Prints one line a step, "step<TAB>seconds<TAB>seconds of the processor". Python and make are all that is needed; HOME is an
# empty folder, and nothing of the environment but caches and the way to the package index is passed on.
set -euo pipefail
repository=$(cd "$1" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
[ -z "$(ls -A "$folder")" ] || { echo "$folder is not empty" >&2; exit 2; }
python=${PYTHON:-python3.11}
km=${DEMO_KM:-1.2}
mkdir "$folder/home" "$folder/luyu" "$folder/手机"

passed=(HOME="$folder/home" PATH="$PATH" LANG="${LANG:-C.UTF-8}")
for name in UV_CACHE_DIR PIP_CACHE_DIR ${!PIP_*} ${!UV_*} SSL_CERT_FILE SSL_CERT_DIR ${!https_*} ${!HTTPS_*} ${!http_*} ${!HTTP_*}; do
  [ -z "${!name:-}" ] || passed+=("$name=${!name}")
done

step() { # step NAME COMMAND...
  local name=$1 log="$folder/$1.txt" TIMEFORMAT='%R %U %S' spent
  shift
  spent=$({ time env -i "${passed[@]}" "$@" >"$log" 2>&1; } 2>&1) || { cat "$log"; echo "failed: $name: $*" >&2; exit 1; }
  awk -v name="$name" '{ printf "%s\t%.1f\t%.1f\n", name, $1, $2 + $3 }' <<<"$spent"
}

# What a clone would hold: all files that git knows or would take.
files() { git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
  find . -type f -not -path './.venv*' -not -path './outputs/*' -not -path '*/__pycache__/*' -not -path './.git/*' -print0; }
(cd "$repository" && files | while IFS= read -r -d '' file; do
  [ ! -f "$file" ] || printf '%s\0' "$file"; done | tar -c --null -T -) | tar -x -C "$folder/luyu"

cd "$folder/luyu"
step environment make PYTHON="$python" .venv/.locked
step demo make PYTHON="$python" DEMO_KM="$km" demo
luyu=$folder/luyu/.venv/bin/luyu

# One's own files, in a folder of one's own, as a client has them; the world of the demo is where they come from.
step files .venv/bin/python tests/own_files.py outputs/demo/world "$folder/我的 数据"
cd "$folder/我的 数据"
step init "$luyu" init 新任务 --roads 路线.shp --before 影像/20240428_影像.tif --after 影像/20241012_影像.tif
step check "$luyu" check 新任务/run.yaml
step plan "$luyu" plan 新任务/run.yaml
step run "$luyu" run 新任务/run.yaml

# Sent to a phone: the one file, alone.
cp 新任务/output/counties/*.html "$folder/手机/"

#!/bin/sh
# 离线安装 Installs luyu from the wheels beside this file; no network is asked.   ./install.sh [FOLDER]
# PYTHON=/path/to/python@PYTHON@ ./install.sh   where python@PYTHON@ is not on the path.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python@PYTHON@}
folder=${1:-$HOME/luyu}
"$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null || {
  echo "these wheels are for Python @PYTHON@ 需要 Python @PYTHON@; PYTHON=/path/to/python@PYTHON@ $0" >&2
  exit 2
}
"$python" -m venv "$folder"
"$folder/bin/python" -m pip --isolated --disable-pip-version-check install --quiet --no-index \
  --find-links "$here/wheels" --require-hashes --requirement "$here/requirements.txt"
"$folder/bin/luyu" --help >/dev/null
echo "installed 已安装: $folder/bin/luyu    try 试用: $folder/bin/luyu demo"

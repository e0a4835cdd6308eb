#!/bin/bash
# Follows docs/writing_a_filter.md in a copy of the checkout: runs its sh blocks and applies its diff blocks, in order.
set -euo pipefail

page=$(readlink -f docs/writing_a_filter.md)
checkout=$(dirname "$(dirname "$page")")
copy=$TEST_TMPDIR/checkout
steps=$TEST_TMPDIR/steps
mkdir -p "$copy" "$steps"
tar -C "$checkout" --exclude='./bazel-*' --exclude=./.git -cf - . | tar -C "$copy" -xf -

# One file a block: 01.sh, 02.diff, ...
awk -v dir="$steps" '
  /^```(sh|diff)$/ { file = dir "/" (++count < 10 ? "0" : "") count "." substr($0, 4); printf "" > file; next }
  /^```/ { file = ""; next }
  file != "" { print > file }' "$page"

# The steps say "bazel". Here it gets its own output below TEST_TMPDIR, and leaves no server behind.
bin=$TEST_TMPDIR/bin
mkdir -p "$bin"
printf '#!/bin/bash\nexec %q --max_idle_secs=20 "$@"\n' "$(command -v bazel)" > "$bin/bazel"
chmod +x "$bin/bazel"
# Debian's own order, as in a terminal: the compiler's full path is part of what the disk cache goes by.
export PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=${HOME:-$TEST_TMPDIR}
trap 'cd "$copy" && bazel shutdown' EXIT

cd "$copy"
ran=0
for step in "$steps"/*; do
  echo "== $(basename "$step")"
  case $step in
    *.sh) bash -euo pipefail "$step" ;;
    *.diff) patch -p1 < "$step" ;;
  esac
  ran=$((ran + 1))
done
if [ "$ran" -lt 5 ]; then
  echo "found only $ran steps in $page" >&2
  exit 1
fi

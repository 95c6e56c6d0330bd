"""The scripts behind files, for any POSIX shell (dash, bash, BusyBox): a directory, a file, a piece of one, an upload.

Each is one function that its last line calls: a script that arrives in part does nothing. Values are assigned within
it, quoted, so that nothing of them is in the arguments of a shell. A script enters the directory first, resolved, and
refuses to be outside the place that was asked for; from there it names files as `./NAME`. What it opened is compared
with what it meant to open (`/proc/self/fd`), so that a link put there meanwhile is not followed.

Answers are frames (`bundle.frames`): a line that begins with the marker of the run. `fail WORD TEXT` ends a script.
"""

from __future__ import annotations

import re

from edgewright.clients.ssh.files.places import FilePath

BLOCK = 65_536
"""Bytes by which a piece of a file begins."""
MARKER = re.compile(r"[0-9a-f]{32}")
PART = re.compile(r"\.edgewright-[0-9a-f]{16}\.part")

_FRAME = """ew() {
unset CDPATH ENV BASH_ENV
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH LC_ALL=C
export PATH LC_ALL
umask 077
%s
}
ew; exit 0
"""
"""One line calls it and ends the shell: bash reads a script byte by byte, and what followed would be the input."""

_COMMON = r"""put() { printf '\n%s %s\n' "$M" "$*"; }
fail() { put fail "$@"; exit 0; }
enter() {
  if ! e_r=$(cd -P -- "$1" 2>/dev/null && pwd -P && printf x); then
    if [ -d "$1" ]; then fail closed; else fail absent; fi
  fi
  e_r=${e_r%?x}
  if ! cd -P -- "$2" 2>/dev/null; then
    if [ -d "$2" ]; then fail closed; elif [ -e "$2" ]; then fail no-folder; else fail absent; fi
  fi
  W=$(pwd -P && printf x) || fail absent
  W=${W%?x}
  case $W/ in "$e_r"/*) ;; *) fail outside ;; esac
}
plain() {
  if [ -h "./$N" ]; then fail link; fi
  if [ -d "./$N" ]; then fail folder; fi
  if [ -e "./$N" ] && [ ! -f "./$N" ]; then fail special; fi
}
open_it() {
  if ! ( : <"./$N" ) 2>/dev/null; then fail closed; fi
  exec 3<"./$N"
}
same_place() {
  s_l=$(readlink "/proc/self/fd/$1" && printf x) || return 0
  [ "${s_l%?x}" = "$W/$2" ]
}
if sha256sum </dev/null >/dev/null 2>&1; then H=sha256; hash() { h=$(sha256sum); h=${h%% *}; }
elif busybox sha256sum </dev/null >/dev/null 2>&1; then H=sha256; hash() { h=$(busybox sha256sum); h=${h%% *}; }
elif openssl dgst -sha256 </dev/null >/dev/null 2>&1; then H=sha256; hash() { h=$(openssl dgst -sha256); h=${h##* }; }
elif shasum -a 256 </dev/null >/dev/null 2>&1; then H=sha256; hash() { h=$(shasum -a 256); h=${h%% *}; }
elif md5sum </dev/null >/dev/null 2>&1; then H=md5; hash() { h=$(md5sum); h=${h%% *}; }
elif busybox md5sum </dev/null >/dev/null 2>&1; then H=md5; hash() { h=$(busybox md5sum); h=${h%% *}; }
else H=none; hash() { h=-; }
fi
first() {
  f_l=$1 f_s=$2
  for f_b in 65536 256 1; do
    f_n=$((f_l / f_b))
    if [ $f_n -gt 0 ]; then
      dd bs=$f_b skip=$((f_s * (65536 / f_b))) count=$f_n 2>/dev/null || return 1
      f_s=0 f_l=$((f_l - f_n * f_b))
    fi
  done
}
space() { set -- $(df -Pk . 2>/dev/null | tail -n 1); K=${4:--}; }
stat -c %s . >/dev/null 2>&1 || fail no-stat
"""
"""`first BYTES BLOCKS` copies bytes of stdin, after so many blocks of 64 KiB; dd alone reads exactly, everywhere. A
redirection of `exec` that fails would end the shell, therefore it is tried in another one before."""

_LIST = r"""enter "$P" "$D"
space
w=0
if [ -w . ]; then w=1; fi
put dir "$(id -u)" "$w" "$K"
printf '\n'
find . ! -name . -prune -exec stat -c "$M e %f %u %g %s %Y %U:%G %n" {} + 2>/dev/null ||
  find . ! -name . -prune -exec stat -c "$M e %f %u %g %s %Y %U:%G %n" {} \; 2>/dev/null
for f in ./* ./.[!.]*; do
  if [ -h "$f" ]; then printf '%s t %s\n' "$M" "$f"; printf '%s = %s\n' "$M" "$(readlink "$f")"; fi
done
printf '%s end\n' "$M" """

_LOOK = r"""enter "$P" "$D"
plain
space
w=0
if [ -w . ]; then w=1; fi
put dir "$(id -u)" "$w" "$K" "$H"
if [ -e "./$N" ]; then
  put file $(stat -c '%f %u %g %s %Y %i %h %U:%G' "./$N")
  if [ "$HASH" = 1 ] && [ $H != none ]; then
    open_it
    same_place 3 "$N" || fail link
    hash <&3
    put hash "$H" "$h"
  fi
else
  [ "$NEW" = 1 ] || fail absent
fi
if [ -n "$PART" ] && [ -f "./$PART" ] && [ ! -h "./$PART" ]; then put part "$(stat -c %s "./$PART")"; fi
put done"""

_VIEW = r"""enter "$P" "$D"
plain
[ -e "./$N" ] || fail absent
open_it
same_place 3 "$N" || fail link
S=$(stat -L -c %s /proc/self/fd/3 2>/dev/null || stat -c %s "./$N")
b=0
if [ "$END" = 1 ] && [ "$S" -gt "$MOST" ]; then b=$(((S - MOST + 65535) / 65536)); fi
put data "$S" $((b * 65536))
first "$MOST" "$b" <&3
put done"""

_GET = r"""enter "$P" "$D"
plain
[ -e "./$N" ] || fail absent
open_it
same_place 3 "$N" || fail link
o=/proc/self/fd/3
[ -e $o ] || o=./$N
set -- $(stat -L -c '%s %Y %i %d' $o)
[ $# = 4 ] || fail absent
if [ -n "$INODE" ] && [ "$3.$4" != "$INODE" ]; then fail changed replaced; fi
T=$TOTAL
if [ "$T" = - ]; then T=$1; fi
if [ "$1" -lt "$T" ] || [ "$OFFSET" -gt "$T" ]; then fail changed shorter; fi
E=$((OFFSET + MOST))
if [ $E -gt "$T" ]; then E=$T; fi
z=plain
if [ "$PACK" = 1 ] && gzip -c </dev/null >/dev/null 2>&1; then z=gz; fi
put data "$1" "$2" "$3.$4" "$E" $z
if [ $z = gz ]; then first $((E - OFFSET)) $((OFFSET / 65536)) <&3 | gzip -c
else first $((E - OFFSET)) $((OFFSET / 65536)) <&3; fi
put sent
if [ $E = "$T" ]; then
  h=$(first "$T" 0 <$o | { hash; printf %s "$h"; })
  put hash "$H" "$h" $(stat -L -c %s $o)
fi
put done"""

_PUT = r"""trap '' HUP PIPE
enter "$P" "$D"
plain
now() { if [ -e "./$N" ]; then n=$(stat -c '%i.%s.%Y' "./$N"); else n=none; fi; }
now
[ "$n" = "$OLD" ] || fail changed target
if [ -h "./$PART" ] || { [ -e "./$PART" ] && [ ! -f "./$PART" ]; }; then fail link; fi
if [ ! -e "./$PART" ]; then
  x=$( (set -C; : >"./$PART") 2>&1) || fail write "$x"
fi
have=$(stat -c %s "./$PART")
if ! ( : >>"./$PART" ) 2>/dev/null; then fail write; fi
exec 4>>"./$PART"
same_place 4 "$PART" || fail link
h=-
if [ "$have" -gt 0 ]; then hash <"./$PART"; fi
space
put have "$have" "$H" "$h" "$K"
IFS= read -r OFFSET || exit 0
case $OFFSET in ''|*[!0-9]*) exit 0 ;; esac
if [ "$OFFSET" != "$have" ]; then true >"./$PART" || fail write; fi
( l=
  while :; do
    sleep 0.3 2>/dev/null || sleep 1
    s=$(stat -c %s "./$PART" 2>/dev/null) || exit 0
    if [ "$s" != "$l" ]; then put at "$s"; fi
    l=$s
  done ) 4>&- </dev/null & k=$!
x=$( { cat >&4; } 2>&1 )
c=$?
kill $k 2>/dev/null
exec 4>&-
s=$(stat -c %s "./$PART")
if [ $c != 0 ]; then rm -f "./$PART"; fail write "$x"; fi
if [ "$s" -lt "$SIZE" ]; then exit 0; fi
put at "$s"
hash <"./$PART"
if [ "$s" != "$SIZE" ] || { [ $H = sha256 ] && [ "$h" != "$SHA256" ]; } || { [ $H = md5 ] && [ "$h" != "$MD5" ]; }; then
  rm -f "./$PART"
  fail hash "$h"
fi
x=$( { { [ -z "$OWNER" ] || chown "$OWNER" "./$PART"; } && chmod "$MODE" "./$PART"; } 2>&1 ) ||
  { rm -f "./$PART"; fail owner "$x"; }
if [ "$n" != none ] && [ -e /sys/fs/selinux/enforce ]; then chcon --reference="./$N" "./$PART" 2>/dev/null; fi
sync "./$PART" 2>/dev/null || sync
plain
now
if [ "$n" != "$OLD" ]; then rm -f "./$PART"; fail changed target; fi
x=$(mv -f "./$PART" "./$N" 2>&1) || { rm -f "./$PART"; fail write "$x"; }
sync . 2>/dev/null || sync
logger -t edgewright -p auth.notice "$LOG" 2>/dev/null
put stored "$H" "$h"
"""

_DROP = r"""enter "$P" "$D"
if [ -f "./$PART" ] && [ ! -h "./$PART" ]; then rm -f "./$PART" || fail write; fi
put done"""


def _script(body: str, marker: str, at: FilePath, directory: str, root: str, **values: str) -> bytes:
    if MARKER.fullmatch(marker) is None:
        raise ValueError("a marker is 32 hex digits")
    named = {"M": marker, "P": root + at.place.path, "D": root + directory, **values}
    if any("\0" in value for value in named.values()):
        raise ValueError("a NUL in a value")
    lines = [f"{name}={quoted(value)}" for name, value in named.items()]
    return (_FRAME % "\n".join([*lines, _COMMON + body])).encode("utf-8", "surrogateescape")


def quoted(text: str) -> str:
    """Return text as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def list_folder(marker: str, at: FilePath, root: str = "") -> bytes:
    """Return what prints the entries of a directory, the file system's free space, and where links lead."""
    return _script(_LIST, marker, at, at.path, root)


def look(marker: str, at: FilePath, *, hashed: bool, new: bool, part: str = "", root: str = "") -> bytes:
    """Return what prints a file's size, mode, owner, time, hash where wanted, and how much of `part` is there."""
    _checked_part(part)
    return _script(
        _LOOK, marker, at, at.directory, root, N=at.name, HASH=str(int(hashed)), NEW=str(int(new)), PART=part
    )


def view(marker: str, at: FilePath, most: int, *, end: bool, root: str = "") -> bytes:
    """Return what prints at most `most` bytes of a file, the last ones where `end` is set."""
    return _script(_VIEW, marker, at, at.directory, root, N=at.name, MOST=str(most), END=str(int(end)))


def get(
    marker: str,
    at: FilePath,
    *,
    offset: int,
    most: int,
    total: int | None = None,
    inode: str = "",
    pack: bool = False,
    root: str = "",
) -> bytes:
    """Return what sends `most` bytes of a file from `offset` on (a multiple of `BLOCK`).

    `total` are the bytes that the reader wants, None at first: as many as there are then. Where the piece is the last
    one, the hash of these bytes follows. `inode`: what the file was before; another one is a `fail changed`.
    """
    if offset % BLOCK or offset < 0 or most < 1 or not re.fullmatch(r"(?:\d+\.\d+)?", inode):
        raise ValueError("a piece begins at a block")
    return _script(
        _GET,
        marker,
        at,
        at.directory,
        root,
        N=at.name,
        OFFSET=str(offset),
        MOST=str(most),
        TOTAL="-" if total is None else str(total),
        INODE=inode,
        PACK=str(int(pack)),
    )


def put(
    marker: str,
    at: FilePath,
    part: str,
    *,
    size: int,
    sha256: str,
    md5: str,
    old: str,
    owner: str,
    mode: str,
    log: str,
    root: str = "",
) -> bytes:
    """Return what takes a file from stdin into `part`, and renames it over the target when its hash is right.

    It prints `have SIZE KIND HASH`, then reads a line with the offset at which the bytes continue: SIZE, or 0 to begin
    again. `old` is `INODE.SIZE.MTIME` of the target as the plan has it, or `none`: another one is a `fail changed`.
    """
    _checked_part(part)
    for pattern, word in (
        (r"[0-9a-f]{64}", sha256),
        (r"[0-9a-f]{32}", md5),
        (r"none|\d+\.\d+\.-?\d+", old),
        (r"(?:\d+:\d+)?", owner),
        (r"[0-7]{3,4}", mode),
    ):
        if re.fullmatch(pattern, word) is None:
            raise ValueError(f"{word} does not fit {pattern}")
    return _script(
        _PUT,
        marker,
        at,
        at.directory,
        root,
        N=at.name,
        PART=part,
        SIZE=str(size),
        SHA256=sha256,
        MD5=md5,
        OLD=old,
        OWNER=owner,
        MODE=mode,
        LOG=log,
    )


def drop(marker: str, at: FilePath, part: str, root: str = "") -> bytes:
    """Return what removes the partial file of an upload that was cancelled."""
    _checked_part(part)
    return _script(_DROP, marker, at, at.directory, root, PART=part)


def _checked_part(part: str) -> None:
    if part and PART.fullmatch(part) is None:
        raise ValueError("not the name of a partial file")

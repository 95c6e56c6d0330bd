"""The script that reads entries of a bundle on the host, and prints them one after another in frames (`frames`).

It needs a POSIX shell, `head -c` or `dd`, and `tail -c`; what else is missing is reported for the entry that needs it.
It writes no file: a host with a full or read-only disk must be readable. Nothing of a user gets into it: entries come
from the catalogue, numbers are checked. When its stdin ends, because the reader or the link has ended, it ends itself
and what it started.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from edgewright.clients.ssh.bundle.catalogue.contents import NEVER
from edgewright.clients.ssh.bundle.entries import Entry

MARKER = re.compile(r"[0-9a-f]{32}")
_CHECK = re.compile(r"[0-9a-f]{16}")


class Resume(NamedTuple):
    """Where the first entry continues: it began at byte `base` of the file, and `at` bytes of it are there.

    They have `check`: CRC-32 and length as at the end of a gzip stream, in hex. Where the host has others now, it
    begins again.
    """

    base: int
    at: int
    check: str


PRELUDE = r"""
LC_ALL=C LANG=C LANGUAGE=C TERM=dumb SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 PAGER=cat
export LC_ALL LANG LANGUAGE TERM SYSTEMD_PAGER SYSTEMD_COLORS PAGER
unset ENV BASH_ENV CDPATH KUBECONFIG
PATH=/run/edgewright/kubernetes:/opt/spectrocloud/bin:/var/lib/rancher/rke2/bin:/usr/local/sbin:/usr/local/bin:$PATH
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 077
cd /
exec 2>/dev/null
have() { command -v "$1" >/dev/null 2>&1; }
if [ "$(printf abcd | head -c 2)" = ab ]; then
  limit() { exec head -c "$1"; }
else
  limit() { exec dd bs=1 count="$1"; }
fi
Z=raw
pack() { cat; }
if [ "$(printf x | gzip -c | gzip -dc)" = x ]; then Z=gz; pack() { gzip -c; }; fi
check() { gzip -1c | tail -c 8 | od -An -tx1 | tr -d ' \n'; }
size() { stat -c %s "$1" || wc -c <"$1"; }
below() {
  b_all='' b_now=$1 B=''
  for b_f in /proc/[0-9]*/stat; do
    { read -r b_l <"$b_f"; } || continue
    case $2$b_l in spare*'(head)'*|spare*'(dd)'*) continue ;; esac
    b_p=${b_f#/proc/}; b_l=${b_l##*) }; b_l=${b_l#* }
    b_all="$b_all ${b_p%/stat}:${b_l%% *}"
  done
  while [ -n "$b_now" ]; do
    b_next=''
    for b_q in $b_now; do
      for b_e in $b_all; do [ "${b_e#*:}" = "$b_q" ] && b_next="$b_next ${b_e%%:*}"; done
    done
    B="$B $b_next" b_now=$b_next
  done
}
watch() {
  trap 'kill -9 "$w_s"; exit 0' "$Q"
  sleep "$2" & w_s=$!
  wait "$w_s"
  trap 'exit 9' "$Q"
  below "$1" spare; [ -n "$B" ] && kill -9 $B
  sleep 1
  below "$1" all; kill -9 $B "$1"
  exit 9
}
ended() {
  { read -r e_me _ </proc/self/stat; }
  cat <&3 >/dev/null & e_c=$!
  trap 'kill -9 "$e_c"; exit 0' "$Q"
  wait "$e_c"
  below "$1" all
  e_k=''
  for e_p in $B; do case $e_p in "$e_me") ;; *) e_k="$e_k $e_p" ;; esac; done
  kill -9 "$1" $e_k
  for e_n in 1 2 3 4; do
    e_k=''
    for e_f in /proc/[0-9]*/fd/3; do
      [ "$e_f" -ef /proc/self/fd/3 ] || continue
      e_p=${e_f#/proc/}; e_p=${e_p%%/*}
      [ "$e_p" = "$e_me" ] || e_k="$e_k $e_p"
    done
    [ -n "$e_k" ] || break
    kill -9 $e_k
  done
}
"""
"""`limit` is used in pipes alone, and is their process: no shell above it can end before what it counted is printed.
`below PID spare` leaves it out, so that what was printed still arrives. `Q` is a signal that ends what waits: not TERM
where whoever started the shell ignores it, since no trap changes that. What the shell starts while `ended` looks for
its processes is not below it any more; it is found by the stdin of the script, which all of them have as number 3; no
other program has it then, as all that wrote it have ended."""

_FRAMES = r"""
miss() { printf '\n%s miss %s %s\n' "$M" "$1" "$2"; }
run() {
  ( { ( "c_$1" ) </dev/null 2>&1; printf '\n.%s' "$?"; } | limit "$3" ) </dev/null & o=$!
  ( watch "$o" "$2" ) </dev/null >/dev/null & w=$!
  wait "$o"
  kill -"$Q" "$w"
  wait "$w"
  [ $? = 9 ] && printf '\n.hung'
}
command_() {
  if [ "$4" = needed ] && [ "$R" != 1 ]; then miss "$1" needs-root; return; fi
  v=$(run "$1" "$2" "$3")
  s=${v##*"$N".}
  case $s in hung|[0-9]|[0-9][0-9]|[0-9][0-9][0-9]) v=${v%"$N".*} ;; *) s=cut ;; esac
  printf '\n%s begin %s 0 %s - 0\n' "$M" "$1" "$Z"
  printf '%s' "$v" | pack
  printf '\n%s end %s %s\n' "$M" "$1" "$s"
}
may_read() {
  [ -e "$1" ] || { W=absent; return 1; }
  r=$(readlink -f "$1")
  [ -n "$r" ] || { [ -L "$1" ] && { W=link; return 1; }; r=$1; }
  case $r in @NEVER@) W=never; return 1 ;; esac
  d=$(readlink -f "$2"); [ -n "$d" ] || d=$2
  case $r in "$d"|"$d"/*) ;; *) W=link; return 1 ;; esac
  [ -f "$1" ] || { W=no-file; return 1; }
  [ -r "$1" ] && return 0
  W=unreadable
  [ "$R" = 1 ] || W=needs-root
  return 1
}
send() {
  z=$(size "$2"); base=0
  [ "$z" -gt "$3" ] && base=$((z - $3))
  at=0
  if [ -n "$4" ] && [ "$z" -ge $(($4 + $5)) ]; then
    k=$(tail -c +$(($4 + 1)) "$2" | limit "$5" | check)
    [ "$k" = "$6" ] && base=$4 at=$5
  fi
  printf '\n%s begin %s %s %s %s %s\n' "$M" "$1" "$base" "$Z" "$7" "$at"
  tail -c +$((base + at + 1)) "$2" | limit $(($3 - at)) | pack
  printf '\n%s end %s 0\n' "$M" "$1"
}
file_() {
  if may_read "$2" "${2%/*}"; then send "$1" "$2" "$3" "$4" "$5" "$6" -; else miss "$1" "$W"; fi
}
glob_() {
  n=0 others=0 last=absent i=$IFS
  IFS=$N
  for f in $(ls -dt $2); do
    IFS=$i
    case $f in *[!A-Za-z0-9._@:+/-]*) others=$((others + 1)); continue ;; esac
    may_read "$f" "$4" || { last=$W; others=$((others + 1)); continue; }
    n=$((n + 1))
    [ "$n" -gt "$5" ] && { others=$((others + 1)); continue; }
    send "$1" "$f" "$3" '' '' '' "${f#"$4"/}"
  done
  IFS=$i
  if [ "$n" = 0 ]; then
    [ "$last" = absent ] && [ "$R" != 1 ] && [ ! -r "$4" ] && [ -e "$4" ] && last=needs-root
    miss "$1" "$last"
  else
    printf '\n%s all %s %s\n' "$M" "$1" "$others"
  fi
}
read_journal() {
  if [ "$1" = -k ]; then set -- -k -b; else set -- -u "$1"; fi
  journalctl "$@" --since "@$S" --until "@$U" -q --no-pager -o short-iso-precise ||
    journalctl "$@" --since "@$S" --until "@$U" -q --no-pager -o short-iso
}
journal_() {
  have journalctl || { miss "$1" no-journalctl; return; }
  if [ "$R" != 1 ] && ! journalctl -n 1 -q --no-pager _PID=1 | grep -q .; then miss "$1" needs-root; return; fi
  at=0
  if [ -n "$4" ]; then
    k=$(read_journal "$2" | tail -c "$3" | limit "$5" | check)
    [ "$k" = "$6" ] && at=$5
  fi
  printf '\n%s begin %s 0 %s - %s\n' "$M" "$1" "$Z" "$at"
  read_journal "$2" | tail -c "$3" | tail -c +$((at + 1)) | pack
  printf '\n%s end %s 0\n' "$M" "$1"
}
"""

_MAIN = r"""
N='
'
R=0; [ "$(id -u)" = 0 ] && R=1
for Q in TERM USR1 USR2 ALRM; do [ -z "$(sh -c "kill -$Q \$\$; echo ignored")" ] && break; done
exec 3<&0
( ended $$ ) >/dev/null & g=$!
T=$(date +%s); I=$(head -c 64 /etc/machine-id || cat /var/lib/dbus/machine-id)
H=$(hostname || cat /proc/sys/kernel/hostname)
[ "$U" = 0 ] && U=$T
[ "$S" = 0 ] && S=$((U - A))
printf '\n%s host %s %s %s %s %s %s\n' "$M" "$R" "$T" "$S" "$U" "${I:--}" "${H:--}"
"""


def script(
    entries: Sequence[tuple[int, Entry]],
    marker: str,
    *,
    ago: int,
    since: int = 0,
    until: int = 0,
    resume: Resume | None = None,
) -> bytes:
    """Return the script that reads numbered `entries` in order; the first one continues at `resume`.

    Journals are read from `since` until `until`, seconds of the host's clock; 0: from `ago` seconds ago, until now.
    Raises `ValueError` for a marker or a number that is none: nothing else comes from outside.
    """
    if MARKER.fullmatch(marker) is None or (resume is not None and _CHECK.fullmatch(resume.check) is None):
        raise ValueError("a marker is 32 hex digits, a check 16")
    if not all(0 <= int(number) < 1 << 40 for number in (ago, since, until, *(resume[:2] if resume else ()))):
        raise ValueError("a number is out of range")
    bodies, calls = [], []
    for place, (number, entry) in enumerate(entries):
        if entry.kind == "command":
            bodies.append(f"c_{number}() {{\n:\n{entry.source.strip()}\n}}\n")
        calls.append(_call(number, entry, resume if place == 0 else None))
    frames = _FRAMES.replace("@NEVER@", "|".join(NEVER))
    return (
        f"main() {{\nM={marker} A={ago} S={since} U={until}\n{PRELUDE}{frames}{''.join(bodies)}{_MAIN}{''.join(calls)}"
        'printf \'\\n%s done\\n\' "$M"\nkill -"$Q" "$g"\nwait "$g"\nexit 0\n}\nmain\nexit 0\n'
    ).encode()


def _call(number: int, entry: Entry, resume: Resume | None) -> str:
    # Quotes, so that empty arguments are arguments.
    arguments = " ".join(f"'{word}'" for word in (resume or ("", "", "")))
    if entry.kind == "command":
        return f"command_ {number} {entry.seconds} {entry.size} {entry.root}\n"
    if entry.kind == "glob":
        return f"glob_ {number} '{entry.source}' {entry.size} {static_part(entry.source)} {entry.most}\n"
    return f"{entry.kind}_ {number} {entry.source} {entry.size} {arguments}\n"


def static_part(pattern: str) -> str:
    """Return the folder before the first part of a pattern that has a star."""
    return pattern.split("*", 1)[0].rpartition("/")[0]

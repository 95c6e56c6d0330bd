"""One script for many probes: each has its own limit of time and bytes, and its output is framed.

The script needs a POSIX shell, `sleep`, and `head -c` or `dd`. It writes no file: a host with a full or read-only disk
must be readable too, and a here-document is a temporary file in some shells. The host ends a probe that hangs by
walking `/proc`, since BusyBox may have no `timeout`; what cannot be killed (a dead network file system) is left behind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgewright.clients.ssh.probes.catalogue.shared import SHARED
from edgewright.clients.ssh.probes.probe import Probe

MARKER = re.compile(r"[0-9a-f]{32}")
MOST_SECONDS = 90
"""Seconds after which no further probe is started."""
LOG_LINES = range(10, 501)
"""Lines of one log that may be asked for."""

PRELUDE = r"""
LC_ALL=C LANG=C LANGUAGE=C TERM=dumb SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 RES_OPTIONS='timeout:1 attempts:1'
export LC_ALL LANG LANGUAGE TERM SYSTEMD_PAGER SYSTEMD_COLORS RES_OPTIONS
unset ENV BASH_ENV CDPATH KUBECONFIG
PATH=/run/edgewright/kubernetes:/opt/spectrocloud/bin:/var/lib/rancher/rke2/bin:/usr/local/sbin:/usr/local/bin:$PATH
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 077
cd /
have() { command -v "$1" >/dev/null 2>&1; }
up() { U=-; { read -r U _ </proc/uptime; } 2>/dev/null; }
if [ "$(printf abcd | head -c 2 2>/dev/null)" = ab ]; then
  limit() { head -c "$1"; }
else
  limit() { dd bs=1 count="$1" 2>/dev/null; }
fi
kill_tree() {
  t_all='' t_now=$1 t_kill=$1
  for t_f in /proc/[0-9]*/stat; do
    { read -r t_l <"$t_f"; } 2>/dev/null || continue
    t_p=${t_f#/proc/}; t_l=${t_l##*) }; t_l=${t_l#* }
    t_all="$t_all ${t_p%/stat}:${t_l%% *}"
  done
  while [ -n "$t_now" ]; do
    t_next=''
    for t_q in $t_now; do
      for t_e in $t_all; do
        if [ "${t_e#*:}" = "$t_q" ]; then t_next="$t_next ${t_e%%:*}"; fi
      done
    done
    t_kill="$t_kill $t_next" t_now=$t_next
  done
  kill -9 $t_kill 2>/dev/null
}
parent() { read -r t_l <"/proc/$1/stat" && t_l=${t_l##*) } && t_l=${t_l#* } && t_p=${t_l%% *}; }
watch() {
  w_s=''
  trap 'kill "$w_s" 2>/dev/null; exit 0' TERM
  sleep "$2" & w_s=$!
  wait "$w_s"
  trap 'exit 9' TERM
  kill_tree "$1"
  sleep 1
  { parent "$1" && parent "$t_p"; } 2>/dev/null && kill_tree "$t_p"
  exit 9
}
within() {
  w_n=$1; shift
  { "$@" </dev/null & w_q=$!
    ( watch "$w_q" "$w_n" ) </dev/null >/dev/null 2>&1 & w_w=$!
    wait "$w_q"; kill "$w_w"; wait "$w_w"
  } 2>/dev/null
}
"""
"""`within SECONDS COMMAND` ends a command after its time. `watch PID SECONDS` ends a process with all below it. If
it cannot be killed, what waits for it is ended instead: its shell, and what counts its bytes."""

_RUN = r"""
frame() { printf '%s\n%s %s\n' "$E" "$M" "$1"; E=''; }
ended() { printf '%s' "$E"; E=''; }
run() {
  up
  if [ "$5" = needed ] && [ "$R" != 1 ]; then frame "skip $2 root"; return; fi
  if [ "${U%%.*}" != - ] && [ "${B%%.*}" != - ] && [ $((${U%%.*} - ${B%%.*})) -ge "$D" ]; then
    frame "skip $2 late"; return
  fi
  frame "begin $2 $U"
  ( {
    ( "p_$1" ) </dev/null 2>&1 & q=$!
    ( watch "$q" "$3" ) </dev/null >/dev/null 2>&1 & w=$!
    wait "$q"; r=$?
    kill "$w"; wait "$w"; k=$?
    printf '\n%s rc %s %s\n' "$M" "$r" "$k"
  } 2>/dev/null | limit "$4" ) </dev/null & o=$!
  wait "$o" 2>/dev/null
  k=$?
  up
  E="
$M end $2 $U $k
"
}
"""
"""The end of a probe goes out with the begin of the next one: over a thin link each piece costs some 40 bytes more."""

_BESIDE = """{
%sended
} </dev/null | {
%sended
cat
}
"""
"""What waits for other machines runs at the same time; a pipe has room for what it prints until the others end."""

_START = r"""
W=none
if [ "$(id -u 2>/dev/null)" = 0 ]; then
  W=root
elif have sudo; then
  ( sudo -n sh -c : ) </dev/null >/dev/null 2>&1 & o=$!
  ( watch "$o" 8 ) </dev/null >/dev/null 2>&1 & w=$!
  if wait "$o" 2>/dev/null; then W=sudo; else W=refused; fi
  kill "$w" 2>/dev/null; wait "$w" 2>/dev/null
else
  W=missing
fi
if [ "$W" = sudo ]; then
  printf '%s\n' W=sudo "$P" "$S" | sudo -n sh -s
else
  eval "$S"
fi
"""


def script(probes: Sequence[Probe], marker: str, *, log_lines: int = 100, seconds: int = MOST_SECONDS) -> bytes:
    """Return the script that runs `probes` in order and frames what each prints (`frames` reads it).

    It runs them as root where the user is root or `sudo -n` lets it. Raises `ValueError` for a marker that is not 32
    hex digits, and for limits out of range: nothing else comes from outside.
    """
    if MARKER.fullmatch(marker) is None:
        raise ValueError("a marker is 32 hex digits")
    if log_lines not in LOG_LINES or not 1 <= seconds <= 600:
        raise ValueError(f"{log_lines} lines in {seconds} s: out of range")
    bodies = "".join(f"p_{n}() {{\n:\n{probe.script.strip()}\n}}\n" for n, probe in enumerate(probes))
    numbered = tuple(enumerate(probes))
    here, beside = (_calls([(n, p) for n, p in numbered if p.waits == waits]) for waits in (False, True))
    inner = (
        f"M={marker} D={seconds} LINES_OF_LOG={log_lines} R=0 E=\n"
        "case $W in root|sudo) R=1 ;; esac\n"
        + _RUN
        + SHARED
        + bodies
        + 'up\nB=$U\nprintf \'\\n%s host %s %s\\n\' "$M" "$W" "$U"\n'
        + (_BESIDE % (beside, here) if beside else here)
        + "frame done\n"
    )
    # A function: the shell has read all of it before the first command runs.
    return f'main() {{\nP={quoted(PRELUDE)}\neval "$P"\nS={quoted(inner)}\n{_START}\n}}\nmain\nexit 0\n'.encode()


def _calls(probes: Sequence[tuple[int, Probe]]) -> str:
    return "".join(f"run {n} {p.id} {p.seconds} {p.size + FRAME} {p.root}\n" for n, p in probes)


FRAME = 64
"""Bytes that are left for the line with the exit status behind the output of a probe."""


def quoted(text: str) -> str:
    """Return text as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def limit(probes: Sequence[Probe]) -> int:
    """Return the most bytes that a run of `probes` prints, frames included."""
    return 4096 + sum(probe.size + 4 * FRAME + 2 * len(probe.id) for probe in probes)


def longest(probes: Sequence[Probe], seconds: int = MOST_SECONDS) -> int:
    """Return the most seconds that a run of `probes` takes on the host, with the time for `sudo`."""
    return min(sum(probe.seconds + 1 for probe in probes), seconds + max((p.seconds for p in probes), default=0)) + 12

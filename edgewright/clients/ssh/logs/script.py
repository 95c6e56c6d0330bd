"""The script that reads a host's logs and follows them, over one channel.

It needs a POSIX shell and `dd`; journalctl where there is a journal, else a file of syslog and `tail`. It writes no
file. What it prints is packed with gzip in blocks, where the host has gzip: a block ends when no more has been written,
so that a line does not wait for others. Lines that begin with the marker of the run are its own: `pack`, `host`,
`resumed`, `left`, `end`.

A block is a `dd` that waits for bytes, and one that takes what there is without waiting (`iflag=nonblock`, where the
host's `dd` has that): no byte goes through the shell, and under very many lines up to 512 KB share the programs that
are started for a block. Once a second, if there are more, the shell looks at the time of a line. Where that is late,
a block waits for several reads, so that no byte has to be there at the moment of a read; five times a second the byte
2 gets into the pipe, which ends such a block when no more is written. Whoever reads it takes that byte out.

Where the reader is slower than the log, the script blocks; when the newest line that it has is then older than
`BEHIND` seconds for `PATIENCE` seconds, it leaves out what is between that line and now, counts it, and reports that
(`left`). The line that is cut by that ends with the byte 1, and what is behind `left` begins within a line.
"""

from __future__ import annotations

from edgewright.clients.ssh.bundle.script import MARKER, PRELUDE
from edgewright.clients.ssh.logs.request import CURSOR, Request

BEHIND, PATIENCE = 5, 10
FILES = "/var/log/messages /var/log/syslog"
"""Logs of hosts without a journal; the first one that is there."""
_BLOCK = 65_536
_MORE = 7
"""Reads without waiting of a block at most; when all of them had bytes, there are probably more."""
_LATE, _MANY = 2, 8
"""Seconds that the newest line is old from which on a block waits for so many reads, since there are more lines."""
_FEW = 8192
"""Bytes below which a block is the end of what was written."""
_FULL = 49_152
"""Bytes from which on, while lines are left out, a block is one of many."""

_BODY = r"""
N='
'
R=0; [ "$(id -u)" = 0 ] && R=1
for Q in TERM USR1 USR2 ALRM; do [ -z "$(sh -c "kill -$Q \$\$; echo ignored")" ] && break; done
exec 3<&0
( ended $$ ) >/dev/null & g=$!
printf '\n%s pack %s\n' "$M" "$Z"
note() { printf '%s %s\n' "$M" "$*" | pack; }
now() { T=$(date +%s); }
moment() { D=$(date +%s.%N); case $D in *[!0-9.]*|*.) D=$(date +%s) ;; esac; }
age() {
  l=$(printf '%s' "$1" | tail -c 4000)
  case $l in *'"__REALTIME_TIMESTAMP"'*) ;; *) return ;; esac
  l=${l##*'"__REALTIME_TIMESTAMP"'}; l=${l#*'"'}; l=${l%%'"'*}
  case $l in *[!0-9]*|'') return ;; esac
  [ ${#l} = 16 ] || return
  now
  A=$((T - ${l%??????}))
}
at_end() {
  A=0
  for f in /proc/"$P"/fd/*; do
    [ "$(readlink "$f")" = "$FILE" ] || continue
    while read -r k v; do [ "$k" = pos: ] && break; done <"/proc/$P/fdinfo/${f##*/}"
    [ $(($(size "$FILE") - v)) -gt 262144 ] && A=99
  done
}
block() { d=$(dd bs=@BLOCK@ count=1; printf x); d=${d%x}; }
block_soon() {
  d=$(
    dd bs=@BLOCK@ count=1 <&4 & p=$!
    ( sleep 1; kill -9 "$p" ) >/dev/null & k=$!
    wait "$p"
    kill -9 "$k"
    printf x
  )
  d=${d%x}
}
leave_out() {
  n=0 i=0
  now
  e=$((T + @BEHIND@))
  while :; do
    last=$d
    block_soon
    [ -n "$d" ] || break
    case $d in *[!"$K"]*) ;; *) d=$last; continue ;; esac
    n=$((n + $(printf '%s' "$last" | wc -l))) i=$((i + 1))
    [ ${#d} -lt @FULL@ ] || [ $((i % 4)) = 0 ] || continue
    "$W" "$d"
    now
    if [ "$A" -le 1 ] || [ "$T" -ge "$e" ]; then last=$d; break; fi
  done
  { printf '\001\n%s left %s\n' "$M" "$n"; printf '%s' "$last"; } | pack
}
tick() { while sleep 0.2 || sleep 1; do printf '\002' >/proc/self/fd/4; done; }
calm() { [ -z "$t" ] || kill -9 "$t"; t=''; }
more() { dd if=/proc/self/fd/0 bs=@BLOCK@ count=@MORE@ iflag=nonblock; }
live() {
  b=0 i=0 A=0 V=1 o=0 t='' K=$(printf '\002')
  exec 4<&0 5>&1
  while :; do
    if [ "$A" -ge @LATE@ ]; then
      [ -n "$t" ] || { tick >/dev/null 5>&- & t=$!; }
      s=$( { dd bs=@BLOCK@ count=@MANY@ 2>&6 | pack >&5; } 6>&1 )
    else
      calm
      s=$( { { dd bs=@BLOCK@ count=1; [ "$V" = 0 ] || more; } 2>&6 | pack >&5; } 6>&1 )
    fi
    r=${s%%' records in'*} s=${s#*' records out'}
    r=${r##*[!0-9+]} n=${s#?}
    n=${n%%' bytes'*}
    case $n in ''|*[!0-9]*|?????????*) n=0; case $r in [1-9]*) n=@FEW@ ;; esac ;; esac
    case $r in *[1-9]*) ;; *) break ;; esac
    r=0
    case $s in
    *' records in'*) r=${s%' records in'*}; r=${r##*[!0-9+]} ;;
    *) [ -n "$t" ] || V=0 ;;
    esac
    case $r in ''|*[!0-9+]*|+*|*+) r=0 ;; esac
    r=$(($r))
    if [ "$r" = 0 ] && [ "$n" -lt @FEW@ ]; then b=0 A=0; sleep 0.1 || sleep 1; continue; fi
    if [ "$V" = 1 ] && [ -z "$t" ] && [ "$r" -lt @MORE@ ]; then sleep 0.1 || sleep 1; fi
    i=$((i + 1))
    [ "$V" = 1 ] || [ -n "$t" ] || [ $((i % 4)) = 0 ] || continue
    now
    [ "$T" != "$o" ] || continue
    o=$T
    block
    printf '%s' "$d" | pack
    "$W" "$d"
    if [ "$A" -le @BEHIND@ ]; then b=0
    elif [ "$b" = 0 ]; then b=$T
    elif [ $((T - b)) -ge @PATIENCE@ ]; then calm; block; leave_out; b=0
    fi
  done
  calm
}
read_files() {
  for FILE in @FILES@; do [ -r "$FILE" ] && break; done
  [ -r "$FILE" ] || { note end no-log; return; }
  W=at_end
  note source "$FILE"
  if [ "$FOLLOW" = 0 ]; then tail -n "$LINES" "$FILE" | tail -c "$MOST" | pack; note end all; return; fi
  { sh -c 'echo $$; exec tail -n "$1" -F "$2"' - "$LINES" "$FILE"; } | { read -r P; live; }
}
read_journal() {
  W=age
  if [ "$R" != 1 ] && ! journal -n 1 _PID=1 | grep -q .; then note own; fi
  if [ -n "$CURSOR" ]; then
    note resumed
    journal --no-tail --cursor "$CURSOR" -f @MATCHES@ | live
    return
  fi
  o=''
  [ "$AGO" -gt 0 ] && o="--since @$((B - AGO))"
  [ "$UNTIL" -gt 0 ] && o="$o --until @$((B - UNTIL))"
  d=$(journal -n "$LINES" $o @MATCHES@ | tail -c "$MOST")
  if [ ${#d} -ge $((MOST - 1)) ]; then d=${d#*"$N"}; note begin cut; else note begin; fi
  [ -n "$d" ] && printf '%s\n' "$d" | pack
  [ "$FOLLOW" = 0 ] && { note end all; return; }
  note now
  l=$(printf '%s' "$d" | tail -n 1)
  case $l in *'"__CURSOR"'*)
    l=${l#*'"__CURSOR"'}; l=${l#*'"'}; l=${l%%'"'*}
    d=''
    journal --no-tail --after-cursor "$l" -f @MATCHES@ | live ;;
  *) journal --no-tail --since "@$B" -f @MATCHES@ | live ;;
  esac
}
B=$(date +%s)
moment
note host "$R" "$D" "$(date +%z)"
J=0
if have journalctl && l=$(journalctl -n 1 -q --no-pager -o short); then
  J=1
  [ -n "$l" ] || for f in @FILES@; do [ -r "$f" ] && J=0; done
fi
if [ "$J" = 1 ]; then
  f=''
  journalctl -n 1 -q --no-pager -o json --output-fields=PRIORITY >/dev/null &&
    f=--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,SYSLOG_IDENTIFIER
  journal() { journalctl -q --no-pager -a -o json $f "$@"; }
  read_journal
else
  read_files
fi
note end
kill -"$Q" "$g"
wait "$g"
exit 0
"""


def script(request: Request, marker: str, cursor: str = "") -> bytes:
    """Return the script for a request; with `cursor` it continues there, the line at it included.

    Raises `ValueError` for a marker, cursor or number that is none, `InvalidInput` for the name of a unit.
    """
    if MARKER.fullmatch(marker) is None or (cursor and CURSOR.fullmatch(cursor) is None):
        raise ValueError("a marker is 32 hex digits, a cursor what journalctl gives")
    wanted = request.checked()
    body = _BODY.replace("@MATCHES@", wanted.matches).replace("@FILES@", FILES)
    for name, number in (
        ("@BLOCK@", _BLOCK),
        ("@FULL@", _FULL),
        ("@MORE@", _MORE),
        ("@FEW@", _FEW),
        ("@LATE@", _LATE),
        ("@MANY@", _MANY),
        ("@BEHIND@", BEHIND),
        ("@PATIENCE@", PATIENCE),
    ):
        body = body.replace(name, str(number))
    values = (
        f"M={marker} CURSOR='{cursor}' LINES={wanted.lines} MOST={wanted.backlog} AGO={wanted.ago} "
        f"UNTIL={wanted.until_ago} FOLLOW={int(wanted.follow)}"
    )
    return f"main() {{\n{values}\n{PRELUDE}{body}}}\nmain\nexit 0\n".encode()

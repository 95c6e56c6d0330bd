"""Where a host stores a change until it is confirmed, and what every script about it begins with."""

from __future__ import annotations

from edgewright.clients.ssh.probes.shell import quoted

UNIT = "edgewright-network-restore"
"""The unit that gives the old settings back at the next start."""

HEAD = r"""S=$R/var/lib/edgewright-network
if [ -d "$R/oem" ] && { [ -n "$R" ] || grep -q ' /usr/local ' /proc/mounts; }; then
  S=$R/usr/local/.edgewright-network
fi
C=$S/change
U=$R/etc/systemd/system/@UNIT@.service
O=$R/etc/init.d/edgewright-network
up() { read -r u rest </proc/uptime && u=${u%%.*}; }
lone() {
  [ -s "$C/program" ] && [ ! -e "$U" ] && [ ! -e "$O" ] &&
    [ "$(cat "$C/boot-id")" != "$(cat /proc/sys/kernel/random/boot_id)" ]
} 2>/dev/null
state() {
  if lone; then
    e=boot; [ -e "$C/confirmed" ] && e=confirmed
    printf 'last %s %s\n' "$(cat "$C/run")" $e
    return
  fi
  if [ -d "$C" ]; then
    up
    g=saving
    for f in armed back confirmed; do [ -e "$C/$f" ] && g=$f; done
    t=; read -r t 2>/dev/null <"$C/until"
    printf 'change %s %s %s\n' "$g" "$((${t:-$u} - u))" "$(cat "$C/run" 2>/dev/null)"
    printf 'who %s\n' "$(cat "$C/who" 2>/dev/null)"
    [ -e "$C/applied" ] && printf 'applied 1\n'
  fi
  [ -f "$S/last" ] && printf 'last %s\n' "$(head -n 1 "$S/last")"
}
"""
"""`S` survives a start of the host; `C` is there while a change is under way: it is the lock between consoles too.

`lone`: the host was started again and its /etc did not survive that, so neither the change nor the unit is there.
"""

_FRAME = """ew() {
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
umask 077
cd /
trap '' HUP PIPE
%s
}
ew </dev/null
"""
"""A script that arrives in part does nothing; one that arrived runs to its end, whatever becomes of the connection."""


def framed(body: str, root: str = "", **values: str) -> bytes:
    """Return a script with its values assigned within it. Raises `ValueError` for a value with a line end or a NUL."""
    lines = [f"R={quoted(root)}"]
    for name, value in values.items():
        if any(letter in value for letter in "\0\n\r"):
            raise ValueError(name)
        lines.append(f"{name}={quoted(value)}")
    return (_FRAME % "\n".join([*lines, body.replace("@UNIT@", UNIT)])).encode()

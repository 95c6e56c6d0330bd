"""The scripts behind Boot: one reads, one sets the next boot and restarts. POSIX shell, BusyBox too."""

from __future__ import annotations

import re

from edgewright.clients.ssh.files.shell import quoted

_FRAME = """ew() {
unset CDPATH ENV BASH_ENV
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH LC_ALL=C
export PATH LC_ALL
R=%s
%s
}
ew </dev/null
exit 0
"""

_READ = r"""show() { printf '%s %s\n' "$1" "$2"; }
env_of() { tr '#' '\n' <"$1" 2>/dev/null | sed -n "s/^\([a-z_][a-z0-9_]*=.*\)\$/$2 \1/p" | head -n 40; }
show uid "$(id -u)"
show name "$(uname -n)"
show boot "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
show uptime "$(cat /proc/uptime 2>/dev/null)"
show cmdline "$(cat "$R/proc/cmdline" 2>/dev/null)"
for f in "$R"/run/cos/*; do
  if [ -e "$f" ]; then show marker "${f##*/}"; fi
done
for f in "$R"/sys/firmware/efi/efivars/LoaderEntrySelected-*; do
  if [ -r "$f" ]; then show efi "$(tr -cd 'A-Za-z0-9._-' <"$f" | cut -c 1-80)"; fi
done
if [ -r "$R/oem/grubenv" ]; then show grubenv 1; env_of "$R/oem/grubenv" env; fi
A=$R/run/initramfs/cos-state
if [ -r "$A/boot_assessment" ]; then env_of "$A/boot_assessment" assess; fi
if [ -r "$R/etc/kairos-release" ]; then show kairos 1; fi
if [ -r "$R/usr/local/.kairos-state" ]; then
  sed -n 's/^\([a-z-]*: .*\)$/history \1/p' "$R/usr/local/.kairos-state" | head -n 20
fi
for f in "$A"/cOS/* "$R"/run/initramfs/live/cOS/*; do
  i=$f
  if [ -f "$f/rootfs.squashfs" ]; then i=$f/rootfs.squashfs; fi
  if [ -f "$i" ]; then show image "$(stat -c '%s %Y' "$i") ${f##*/}"; fi
done
for l in COS_GRUB COS_OEM COS_RECOVERY COS_STATE COS_PERSISTENT; do
  if [ -e "$R/dev/disk/by-label/$l" ]; then show label $l; fi
done
for t in grub2-editenv grub-editenv kairos-agent systemctl reboot; do
  if command -v $t >/dev/null 2>&1; then show tool $t; fi
done
used() { set -- $(df -Pk "$1" 2>/dev/null | tail -n 1); printf %s "${3:--}"; }
d=$(while read -r a b c; do [ "$b" != /usr/local ] || printf %s "$a"; done <"$R/proc/mounts")
if [ -n "$d" ]; then
  u=$(used /usr/local)
  while read -r a b c; do [ "$a" != "$d" ] || show persistent "$u $b"; done <"$R/proc/mounts"
fi
while read -r a b c; do [ "$b" != /oem ] || show oem "$(used /oem) /oem"; done <"$R/proc/mounts"
for f in "$R"/system/oem/*.yaml "$R"/oem/*.yaml "$R"/oem/userdata "$R"/usr/local/cloud-config/*.yaml; do
  if [ -r "$f" ]; then sed -n 's/^\([ \t]*reset-\(oem\|persistent\)[ \t]*:.*\)$/setting \1/p' "$f" | head -n 4; fi
done
if [ -s "$R/var/log/stylus-upgrade.log" ]; then
  tail -n 5 "$R/var/log/stylus-upgrade.log" | cut -c 1-300 | sed 's/^/log /'
fi
show end 1"""

_SET = r"""trap '' HUP PIPE
fail() { printf 'fail %s\n' "$*"; exit 0; }
run() { x=$("$@" 2>&1 </dev/null) || fail "$* ended with $?: $x"; }
[ "$(cat /proc/sys/kernel/random/boot_id)" = "$BOOT" ] || fail "it was restarted meanwhile"
[ "$(uname -n)" = "$NAME" ] || fail "it has another name now"
@COMMANDS@
if [ -n "$FILE" ]; then
  x=$("$TOOL" "$R$FILE" list | sed -n 's/^next_entry=//p')
  [ "$x" = "$ENTRY" ] || fail "next_entry is '$x' after it was set"
fi
sync
logger -t edgewright -p auth.notice "next boot set to $ENTRY over SSH, restarting" 2>/dev/null
printf 'set %s\n' "$ENTRY"
if [ -n "$R" ]; then : >"$R/restarted"; return; fi
( trap '' HUP; sleep 1; systemctl reboot || reboot ) </dev/null >/dev/null 2>&1 &"""

_COMMAND = re.compile(
    r"(?:grub2?-editenv /[a-z/_-]+ set [a-z_]+=[a-z]*|kairos-agent bootentry --select [a-z]+"
    r"|mount -o r[ow],remount /[a-z/-]+)"
)


def read(root: str = "") -> bytes:
    """Return what prints the state of the boot as lines `NAME VALUE` and changes nothing."""
    return (_FRAME % (quoted(root), _READ)).encode()


def set_next(boot_id: str, name: str, entry: str, commands: tuple[str, ...], root: str = "") -> bytes:
    """Return what runs `commands` as they were shown (the last one is `reboot`), unless it is another boot or host.

    What was written is read back before the restart. A link that is lost meanwhile ends it no more: a reset that is set
    and not done would happen at any later restart. Raises `ValueError` for a command that is none of the known ones.
    """
    *steps, last = commands
    if last != "reboot" or not re.fullmatch(r"[a-z]{1,20}", entry) or not re.fullmatch(r"[0-9a-f-]{36}", boot_id):
        raise ValueError("not an action of Boot")
    if not steps or not all(_COMMAND.fullmatch(step) for step in steps):
        raise ValueError("not a command of Boot")
    runs = [f"run {_below(step)}" for step in steps]
    parts = steps[-1].split()
    tool, place = (parts[0], parts[1]) if parts[0].startswith("grub") else ("", "")
    values = {"BOOT": boot_id, "NAME": name, "ENTRY": entry, "TOOL": tool, "FILE": place}
    head = [f"{key}={quoted(value)}" for key, value in values.items()]
    body = "\n".join([*head, _SET.replace("@COMMANDS@", "\n".join(runs))])
    return (_FRAME % (quoted(root), body)).encode()


def _below(command: str) -> str:
    """Return a command with `$R` before its path: a folder in tests, nothing on a host."""
    return " ".join(f'"$R"{word}' if word.startswith("/") else word for word in command.split())

"""The scripts that change the network settings of a host: begin, confirm, restore.

`begin` saves the old files and stages the new ones, writes the unit that restores at the next start, starts the timer,
and only then lets the host itself apply the change, 1 s later, apart from this connection. Until it is confirmed,
three things bring the old settings back: the timer, a command that fails, and the next start of the host. `armed` is
renamed to `confirmed` or to `back`, so that only one of the two can happen.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.clients.ssh.network.places import HEAD, framed
from edgewright.clients.ssh.probes.shell import quoted
from edgewright.core.network.change import Change

BUSY, NO_SPACE, TOO_LATE, OTHER, NOT_YET, NO_TIMER, NOT_STORED = 75, 74, 73, 72, 71, 70, 69
"""Exit codes: another change is there; not written; given back meanwhile; another change than the one meant; the host
is still applying it; the timer did not start; /oem could not be written when it was confirmed."""
WITHIN = range(20, 3601)
"""Seconds in which a change may have to be confirmed."""

_PROGRAM = r"""#!/bin/sh
# Written by Edgewright: applies a change of the network settings, and takes it back unless it is confirmed in time.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
umask 022
cd /
trap '' HUP PIPE
R=@R@ S=@S@ U=@U@ ID=@ID@ AT=
C=$S/change
note() {
  read -r w rest </proc/uptime
  printf '%s %s\n' "${w%%.*}" "$1" >>"$S/log"
  [ -n "$R" ] || logger -t edgewright-network "$1"
} 2>/dev/null
put() {
  p=$R$3 d=${3%/*}
  [ "$1" = absent ] && { rm -f "$p"; return; }
  [ -d "$R$d" ] || mkdir -p "$R$d" || return 1
  if [ "$1" = link ]; then rm -f "$p" && cp -P "$2" "$p"; return; fi
  [ -h "$p" ] && rm -f "$p"
  if cp -p "$2" "$p.site-new" && { sync "$p.site-new" || sync; } && mv -f "$p.site-new" "$p"; then :
  else
    rm -f "$p.site-new"
    cat "$2" >"$p" || return 1
  fi
  command -v restorecon >/dev/null && restorecon -F "$p"
  return 0
} 2>/dev/null
flush() { [ -n "$R" ] || sync; }
commands() { [ -n "$R" ] || sh "$@" </dev/null >>"$C/output" 2>&1; }
all() {
  bad=
  while read -r n old new path; do
    k=new; case $path in /oem/*) k=stored ;; esac
    if [ "$1" = old ]; then put "$old" "$C/old/$n" "$path" || bad=$path
    elif [ "$1" = $k ]; then put "$new" "$C/new/$n" "$path" || bad=$path; fi
  done <"$C/files"
  flush
  [ -z "$bad" ]
}
end() {
  printf '%s %s %s\n' "$ID" "$1" "$2" >"$S/last.new" && mv "$S/last.new" "$S/last"
  rm -f "$U" "${U%/*}/sysinit.target.wants/${U##*/}" "$R/etc/runlevels/boot/edgewright-network" \
    "$R/etc/init.d/edgewright-network"
  mv "$C" "$S/gone.$$" && rm -rf "$S/gone.$$"
  flush
  [ -z "$R$AT" ] && [ -d /run/systemd/system ] || return 0
  systemctl stop "edgewright-network-back-$ID.timer"
  systemctl daemon-reload
} 2>/dev/null
apply() {
  sleep 1
  [ -e "$C/armed" ] || return 0
  note 'apply a change of the network settings'
  echo $$ >"$C/pid"
  commands "$C/before"
  if all new && commands -e "$C/after"; then : >"$C/applied"; return 0; fi
  s=$(tail -n 1 "$C/output" 2>/dev/null)
  restore failed "${bad:-${s:-a command failed}}"
}
restore() {
  if ! mv "$C/armed" "$C/back" 2>/dev/null; then
    [ -e "$C/back" ] || return 0
    [ "$1" = boot ] || { [ "$1" = undo ] && rm "$C/stuck" 2>/dev/null; } || return 0
  fi
  note "give the old network settings back: $1 $2"
  if [ "$1" != failed ] && [ "$1" != boot ] && [ ! -e "$C/applied" ]; then
    if [ -z "$R" ] && [ -d /run/systemd/system ]; then systemctl kill "edgewright-network-apply-$ID.service"
    else read -r q <"$C/pid" && kill -9 "$q"; fi
  fi 2>/dev/null
  rm -f "$C/reserve"
  [ "$1" = boot ] || commands "$C/before"
  if ! all old; then
    note "$bad could not be written"
    [ "$1" = boot ] || sleep 5
    all old
  fi
  if [ "$1" = boot ]; then commands "$C/boot"; else commands "$C/after"; commands "$C/back-commands"; fi
  if [ -n "$bad" ]; then
    note "$bad is not as it was: tried again at the next start"
    : >"$C/stuck"
    return 1
  fi
  end "$1" "$2"
}
timer() {
  read -r t <"$C/until"
  while [ -e "$C/armed" ]; do
    read -r w rest </proc/uptime
    [ "${w%%.*}" -ge "$t" ] && break
    sleep 1
  done
  restore timer
}
boot() {
  AT=boot
  if [ -e "$C/confirmed" ]; then all stored; end confirmed
  elif [ -e "$C/armed" ] || [ -e "$C/back" ]; then restore boot
  else end nothing; fi
}
confirm() {
  mv "$C/armed" "$C/confirmed" || return 73
  if ! all stored; then
    mv "$C/confirmed" "$C/armed"
    restore failed "$bad could not be written"
    return 69
  fi
  note 'the change of the network settings is confirmed'
  end confirmed
}
case $1 in apply|restore|timer|boot|confirm) "$@"; exit ;; esac
"""
"""The program on the host. `restore` and `confirm` both begin with a rename of `armed`; the loser does nothing.

Files of /oem are written when a change is confirmed: what an unconfirmed start of the host applies is the old settings,
also where its /etc, and with it the unit, does not survive the start.
"""

_UNIT = """[Unit]
Description=Give back network settings that were not confirmed
DefaultDependencies=no
ConditionPathExists=@C@
RequiresMountsFor=@S@
After=local-fs.target systemd-tmpfiles-setup.service
Before=network-pre.target systemd-networkd.service NetworkManager.service networking.service systemd-resolved.service
Before=systemd-timesyncd.service chrony.service sysinit.target
Wants=network-pre.target

[Service]
Type=oneshot
ExecStart=/bin/sh @C@/program boot
"""
_OPENRC = """#!/sbin/openrc-run
depend() { need localmount; before net hostname; }
start() { [ ! -d @C@ ] || /bin/sh @C@/program boot; }
"""

_BEGIN = r"""mkdir -p "$S" && chmod 0700 "$S" || return 74
if ! mkdir "$C" 2>/dev/null; then
  [ -d "$C" ] || { echo "$S cannot be written" >&2; return 74; }
  [ -e "$C/saver" ] || sleep 2
  q=; read -r q 2>/dev/null <"$C/saver"
  i=$(cat "$C/boot-id" 2>/dev/null)
  if lone; then
    sh "$C/program" boot
  else
    for f in armed back confirmed; do [ -e "$C/$f" ] && { state; return 75; }; done
  fi
  if [ -n "$q" ] && [ -d "/proc/$q" ] && [ "$i" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then state; return 75; fi
  mv "$C" "$S/gone.$$" 2>/dev/null && rm -rf "$S/gone.$$"
  mkdir "$C" 2>/dev/null || { state; return 75; }
fi
flush() { [ -n "$R" ] || sync; }
lost() {
  echo "${1:-a file could not be written}" >&2
  for x in "$U" "${U%/*}/sysinit.target.wants/${U##*/}" "$R/etc/init.d/edgewright-network" \
    "$R/etc/runlevels/boot/edgewright-network"; do rm -f "$x"; done
  mv "$C" "$S/gone.$$" && rm -rf "$S/gone.$$"
  return "${2:-74}"
}
save() {
  p=$R$3
  if [ -h "$p" ]; then o=link; cp -P "$p" "$C/old/$1" || return 1
  elif [ -f "$p" ]; then
    o=file
    cp -p "$p" "$C/old/$1" && cmp -s "$p" "$C/old/$1" || return 1
  elif [ -e "$p" ]; then return 1
  else o=absent; fi
  printf '%s %s %s %s\n' "$1" "$o" "$2" "$3" >>"$C/files" || return 1
}
stage() {
  printf '%s' "$3" >"$C/new/$1" || return 1
  [ "$(($(wc -c <"$C/new/$1")))" = "$4" ] || return 1
  m=$2
  if [ -f "$R$5" ] && o=$(stat -c '%a %u:%g' "$R$5" 2>/dev/null); then
    m=${o%% *}
    chown "${o#* }" "$C/new/$1" || return 1
  fi
  chmod "$m" "$C/new/$1"
}
echo $$ >"$C/saver" && cat /proc/sys/kernel/random/boot_id >"$C/boot-id" && mkdir "$C/old" "$C/new" || { lost; return; }
printf '%s\n' "$RUN" >"$C/run" && printf '%s\n' "$WHO" >"$C/who" && true >"$C/files" || { lost; return; }
[ "$(cat "$C/run")" = "$RUN" ] || { lost; return; }
@SAVE@
dd if=/dev/zero of="$C/reserve" bs=65536 count=1 2>/dev/null || { lost "the disk of $S is full"; return; }
@COMMANDS@
sed -e "s|@R@|$R|; s|@S@|$S|; s|@U@|$U|; s|@ID@|$RUN|" >"$C/program" <<'EW_PROGRAM' || { lost; return; }
@PROGRAM@EW_PROGRAM
grep -q '^case .1 in apply' "$C/program" || { lost; return; }
if [ -n "$R" ] || [ -d /run/systemd/system ]; then
  ( umask 022 && mkdir -p "${U%/*}/sysinit.target.wants" ) || { lost; return; }
  sed -e "s|@C@|$C|g; s|@S@|$S|g" >"$U" <<'EW_UNIT' || { lost; return; }
@UNIT_TEXT@EW_UNIT
  chmod 0644 "$U" && grep -q '^ExecStart' "$U" || { lost; return; }
  ln -sfn "$U" "${U%/*}/sysinit.target.wants/${U##*/}" || { lost; return; }
  [ -n "$R" ] || systemctl daemon-reload || { lost 'systemd did not take the unit'; return; }
else
  sed -e "s|@C@|$C|g" >$O <<'EW_OPENRC' || { lost; return; }
@OPENRC@EW_OPENRC
  chmod 0755 $O && ln -sfn $O /etc/runlevels/boot/edgewright-network || { lost; return; }
fi
up
echo $((u + WITHIN)) >"$C/until" || { lost; return; }
flush
true >"$C/armed" || { lost; return; }
flush
if [ -n "$R" ]; then
  setsid sh "$C/program" timer </dev/null >/dev/null 2>&1 &
  setsid sh "$C/program" apply </dev/null >/dev/null 2>&1 &
elif [ -d /run/systemd/system ]; then
  if ! systemd-run -q --collect --unit="edgewright-network-back-$RUN" --on-active="$WITHIN" \
    --timer-property=AccuracySec=500ms /bin/sh "$C/program" restore timer 2>/dev/null ||
    ! systemctl -q is-active "edgewright-network-back-$RUN.timer"; then
    systemctl stop "edgewright-network-back-$RUN.timer" 2>/dev/null
    lost 'the timer that gives the old settings back did not start' 70
    return
  fi
  systemd-run -q --collect --unit="edgewright-network-apply-$RUN" /bin/sh "$C/program" apply 2>/dev/null ||
    { systemctl stop "edgewright-network-back-$RUN.timer"; lost 'the change did not start' 70; return; }
else
  command -v setsid >/dev/null 2>&1 || { lost 'the host has no setsid' 70; return; }
  setsid sh "$C/program" timer </dev/null >/dev/null 2>&1 &
  setsid sh "$C/program" apply </dev/null >/dev/null 2>&1 &
fi
state
echo begun
"""

_OWN = r"""[ -d "$C" ] || { state; return 73; }
[ "$(cat "$C/run" 2>/dev/null)" = "$RUN" ] || { state; return 72; }
"""
_CONFIRM = (
    _OWN
    + r"""[ -e "$C/armed" ] || { state; return 73; }
[ -e "$C/applied" ] || { state; return 71; }
sh "$C/program" confirm
r=$?
state
[ $r = 0 ] || [ $r = 69 ] || r=73
return $r
"""
)
_GIVE_BACK = (
    _OWN
    + r"""[ -e "$C/armed" ] || [ -e "$C/back" ] || { state; return 73; }
if [ -z "$R" ] && [ -d /run/systemd/system ]; then
  systemd-run -q --collect --unit="edgewright-network-undo-$RUN" \
    /bin/sh -c "sleep 1; exec /bin/sh $C/program restore undo"
else
  setsid sh -c "sleep 1; exec sh $C/program restore undo" </dev/null >/dev/null 2>&1 &
fi
state
echo begun
"""
)


def begin(change: Change, run: str, who: str, within: int, root: str = "") -> bytes:
    """Return what saves, arms and starts a change. `run`: 16 hex digits; `within`: seconds until it is taken back.

    Raises `ValueError` for a number out of range and for texts with a NUL.
    """
    if within not in WITHIN:
        raise ValueError(f"{within} s")
    saves = []
    for number, file in enumerate(change.files):
        kind = "absent" if file.text is None else "file"
        path = quoted(file.path)
        saves.append(f"save {number} {kind} {path} || {{ lost {quoted(f'{file.path} could not be saved')}; return; }}")
        if file.text is not None:
            if "\0" in file.text:
                raise ValueError(file.path)
            size = len(file.text.encode())
            saves.append(
                f"stage {number} {file.mode:o} {quoted(file.text)} {size} {path} || "
                f"{{ lost {quoted(f'the new {file.path} could not be written')}; return; }}"
            )
    commands = [
        f"printf '%s\\n' {quoted(chr(10).join(lines))} >\"$C/{name}\" || {{ lost; return; }}"
        for name, lines in _commands(change)
    ]
    body = _BEGIN.replace("@SAVE@", "\n".join(saves)).replace("@COMMANDS@", "\n".join(commands))
    body = body.replace("@PROGRAM@", _PROGRAM).replace("@UNIT_TEXT@", _UNIT).replace("@OPENRC@", _OPENRC)
    return framed(HEAD + body, root, RUN=run, WHO=who, WITHIN=str(within))


def _commands(change: Change) -> Sequence[tuple[str, Sequence[str]]]:
    return (
        ("before", change.before), ("after", change.after), ("back-commands", change.back), ("boot", change.boot),
    )  # fmt: skip


def confirm(run: str, root: str = "") -> bytes:
    """Return what confirms a change: its timer and its unit go, the new settings stay."""
    return framed(HEAD + _CONFIRM, root, RUN=run)


def give_back(run: str, root: str = "") -> bytes:
    """Return what takes a change back now, 1 s later and apart from this connection."""
    return framed(HEAD + _GIVE_BACK, root, RUN=run)


def status(root: str = "") -> bytes:
    """Return what prints the state of a change alone."""
    return framed(HEAD + "state\nread -r w rest </proc/sys/kernel/random/boot_id\nprintf 'boot %s\\n' \"$w\"\n", root)

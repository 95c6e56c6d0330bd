"""The scripts of an installation over SSH, for any POSIX shell (dash, bash, BusyBox).

Every script is one function that is called by its last line: a script that arrives in part does nothing. Its values are
assigned within it, so that nothing of them, secrets least of all, is in the arguments of a process. `R` is put before
each path of the host (a folder in tests, "" on a host).
"""

from __future__ import annotations

import base64
import shlex

STAGE = "/var/lib/edgewright-install"
"""Folder on the host (root, 0700) while an installation runs: what was sent, and the list of what was not there."""
FOLDERS = ("/usr/local/lib/edgewright", "/etc/edgewright", "/var/lib/edgewright")
"""Program, settings and data of the agent: none of them may be there before."""
UNITS = (
    "edgewright-relay.socket", "edgewright-relay.service", "edgewright-reconciler.path", "edgewright-reconciler.timer",
    "edgewright-reconciler.service", "edgewright-activate.service", "edgewright-agent.service",
)  # fmt: skip
"""As `agent.install.unit` names them, which is not imported here; a test compares them."""
RUNNING = ("/run/edgewright-reconciler", "/run/edgewright-relay.sock")
UNIT_FOLDER = "/etc/systemd/system"
WANTS = UNIT_FOLDER + "/multi-user.target.wants"
PARENTS = ("/usr/local/lib", WANTS)
"""Folders that the installation makes where they are missing; removed again only where nothing else is in them."""
MADE = (
    *FOLDERS,
    *(f"{folder}/{name}" for folder in (UNIT_FOLDER, WANTS) for name in UNITS),
    *RUNNING,
    *PARENTS,
)  # fmt: skip
"""Everything that an installation may make."""
PIECE = 65_536
"""Bytes of a file that one script brings."""

TAKEN_OVER, NO_SPACE, CONFLICT, BAD_STAGE = 75, 74, 73, 72
"""Exit codes: another run owns the stage; a file could not be written; an agent appeared meanwhile; the stage is a
link, a file, or another user's."""

_FRAME = """ew() {
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
umask 077
trap '' HUP PIPE
%s
}
ew </dev/null
"""
_OWNED = """S=$R@STAGE@
[ "$(cat "$S/run" 2>/dev/null)" = "$RUN" ] || return 75
"""

_PREFLIGHT = r"""show() { printf '%s=%s\n' "$1" "$2"; }
S=$R@STAGE@
show uid "$(id -u)"
show kernel "$(uname -s)"
show arch "$(uname -m)"
show name "$(uname -n)"
show now "$(date +%s)"
for p in /proc/sys/kernel/random/boot_id $R/etc/machine-id; do
  i=
  [ ! -r "$p" ] || read -r i <"$p"
  show machine "$i"
done
[ ! -d /run/systemd/system ] || show systemd 1
for p in base64 sha256sum tail; do command -v $p >/dev/null 2>&1 || show lacks $p; done
PY=
for p in /usr/bin/python3 "$(command -v python3)" /usr/local/bin/python3; do
  if [ -z "$PY" ] && [ -x "$p" ] && "$p" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    PY=$p
    show python "$p"
  elif [ -x "$p" ]; then
    show version "$("$p" -V 2>&1)"
  fi
done
for d in /var/lib /usr/local /etc; do
  e=$R$d
  [ -d "$e" ] || e=$R/
  show disk "$d $(df -Pk "$e" 2>/dev/null | tail -n 1)"
  [ -w "$e" ] || show readonly $d
done
for f in /proc/net/tcp /proc/net/tcp6; do
  [ ! -r $f ] || while read -r n local remote state rest; do
    [ "$state" != 0A ] || show listens "${local##*:}"
  done <$f
done
for p in @OTHERS@; do
  [ ! -e "$R$p" ] || show other "$p"
done
for p in /proc/[0-9]*/comm; do
  n=
  read -r n 2>/dev/null <"$p"
  case $n in kubelet|k3s|k3s-server|k3s-agent|rke2|stylus-agent|stylus-operator|palette-agent) show runs "$n" ;; esac
done
for p in @FOLDERS@ @UNIT_FOLDER@/edgewright-agent.service; do
  [ ! -e "$R$p" ] || show ours "$p"
done
A=$R/usr/local/lib/edgewright/edgewright-agent
set --
if [ -x "$A" ]; then set -- "$A"; elif [ -e "$A.pyz" ] && [ -n "$PY" ]; then set -- "$PY" "$A.pyz"; fi
[ $# = 0 ] || show status "$("$@" status -o json --data "$R/var/lib/edgewright" 2>/dev/null | tr -d '\n')"
if [ -e "$S/began" ]; then show stage began; elif [ -d "$S" ]; then show stage sent; fi
for a in $PLANES; do
  h=${a%:*} p=${a##*:}
  if [ -n "$PY" ]; then
    m=$("$PY" -c 'import socket, sys
try:
    socket.create_connection((sys.argv[1].strip("[]"), int(sys.argv[2])), 5).close()
except Exception as error:
    print(getattr(error, "strerror", None) or error)' "$h" "$p" 2>&1 | tail -n 1)
    show plane "$a ${m:-reached}"
  elif command -v nc >/dev/null 2>&1; then
    if nc -w 5 "$h" "$p" </dev/null >/dev/null 2>&1; then show plane "$a reached"; else show plane "$a not reached"; fi
  else
    show plane "$a unknown"
  fi
done
show end 1"""

OTHERS = (
    "/opt/spectrocloud", "/opt/spectro", "/var/lib/spectro", "/etc/palette", "/usr/lib/systemd/system/kubelet.service",
    "/etc/systemd/system/kubelet.service", "/lib/systemd/system/kubelet.service", "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/manifests/kube-apiserver.yaml", "/etc/rancher/k3s", "/etc/rancher/rke2", "/var/lib/rancher/k3s",
    "/etc/systemd/system/stylus-agent.service", "/etc/systemd/system/spectro-stylus-agent.service",
    "/etc/systemd/system/spectro-palette-agent-start.service", "/var/snap/microk8s", "/var/lib/k0s",
)  # fmt: skip
"""What another agent or a Kubernetes leaves on a host."""

_STAGE_CHECKED = """S=$R@STAGE@
if [ -h "$S" ] || { [ -e "$S" ] && [ ! -d "$S" ]; }; then return 72; fi
if [ -d "$S" ]; then
  set -- $(ls -ldn "$S")
  [ "$3" = "$(id -u)" ] || return 72
  chmod 0700 "$S" || return 74
fi
"""

_BEGIN = """[ ! -e "$S/began" ] || return 73
mkdir -p "$R/var/lib" || return 74
[ -d "$S" ] || mkdir -m 0700 "$S" || return 74
printf '%s\\n' "$RUN" >"$S/run" || return 74
for f in "$S"/*; do
  case $f in "$S/run"|"$S/agent-$HASH") ;; *) rm -rf "$f" ;; esac
done
have=0
[ ! -f "$S/agent-$HASH" ] || have=$(($(wc -c <"$S/agent-$HASH")))
echo "have=$have" """

_PUT = """F=$S/$NAME
if [ "$OFFSET" = 0 ]; then true >"$F" || return 74; fi
[ "$(($(wc -c <"$F")))" = "$OFFSET" ] || return 75
base64 -d >>"$F" <<'EW_END' || return 74
@DATA@EW_END
[ "$(($(wc -c <"$F")))" = "$AFTER" ] || return 74"""

_CHECK = """h=$(sha256sum <"$S/$NAME") || return 74
[ "${h%% *}" = "$HASH" ] || { rm -f "$S/$NAME"; return 65; }"""

_INSTALL = """read -r s </proc/$$/stat || return 74
set -- ${s##*) }
echo "$$ ${20}" >"$S/pid" || return 74
for p in @FOLDERS@ @UNIT_FOLDER@/edgewright-agent.service; do
  [ ! -e "$R$p" ] || return 73
done
true >"$S/absent" || return 74
for p in @MADE@; do
  [ -e "$R$p" ] || [ -h "$R$p" ] || printf '%s\\n' "$p" >>"$S/absent" || return 74
done
printf end >>"$S/absent" || return 74
sync "$S/absent" 2>/dev/null || sync
true >"$S/began" || return 74
chmod 0700 "$S/$NAME"
if [ -n "$PY" ]; then
  cp "$S/$NAME" "$S/edgewright-agent.pyz" || return 74
  set -- "$PY" "$S/edgewright-agent.pyz" install --python "$PY"
else
  set -- "$S/$NAME" install
fi
set -- "$@" --endpoint "$ENDPOINT"
[ ! -f "$S/token" ] || set -- "$@" --token-file "$S/token"
[ ! -f "$S/ca.crt" ] || set -- "$@" --ca "$S/ca.crt"
[ ! -f "$S/user-data" ] || set -- "$@" --user-data "$S/user-data"
[ -z "$R" ] || set -- "$@" --root "$R"
"$@" >/dev/null 2>"$S/log"
c=$?
tail -n 20 "$S/log"
return $c"""

_STATUS = """A=$R/usr/local/lib/edgewright/edgewright-agent
if [ -n "$PY" ]; then
  "$PY" "$A.pyz" status -o json --data "$R/var/lib/edgewright"
else
  "$A" status -o json --data "$R/var/lib/edgewright"
fi"""

_UNDO = """[ -d "$S" ] || { echo nothing; return 0; }
[ -z "$RUN" ] || [ ! -e "$S/run" ] || [ "$(cat "$S/run")" = "$RUN" ] || return 75
p= t= n= i=0
[ ! -f "$S/pid" ] || read -r p t <"$S/pid"
if [ -n "$p" ] && read -r s 2>/dev/null <"/proc/$p/stat" && set -- ${s##*) } && [ "${20}" = "$t" ]; then
  kill -STOP "$p"
  for f in /proc/[0-9]*/stat; do
    read -r s 2>/dev/null <"$f" && set -- ${s##*) } && [ "$2" = "$p" ] && f=${f%/stat} && n=${f##*/} &&
      kill -KILL "$n"
  done
  kill -KILL "$p"
  while [ -n "$n" ] && kill -0 "$n" 2>/dev/null && [ $i -lt 50 ]; do sleep 0.1 || sleep 1; i=$((i + 1)); done
fi
bad=
if [ -e "$S/began" ]; then
  if [ -z "$R" ] && [ -d /run/systemd/system ]; then
    systemctl stop @UNITS@ 'edgewright-step-*.service' >/dev/null 2>&1
    systemctl reset-failed 'edgewright-*' >/dev/null 2>&1
  fi
  A=$R/usr/local/lib/edgewright/edgewright-agent
  [ -x "$A" ] || A=$A.pyz
  "$A" status -o json --data "$R/var/lib/edgewright" 2>/dev/null | tr -d '\\n' | head -c 32768
  while read -r p; do
    case $p in
      @PARENT_CASES@) rmdir "$R$p" 2>/dev/null ;;
      @MADE_CASES@) rm -rf "$R$p" || bad=$p ;;
    esac
  done <"$S/absent"
  [ -n "$R" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload || bad=systemd
fi
[ -z "$bad" ] || { printf '%s is left\\n' "$bad" >&2; return 74; }
rm -rf "$S" || return 74
printf '\\nundone\\n'"""

_FINISH = """S=$R@STAGE@
[ -z "$RUN" ] || [ "$(cat "$S/run" 2>/dev/null)" = "$RUN" ] || return 75
rm -rf "$S" || return 74"""


def _script(body: str, root: str, **values: str) -> bytes:
    """Return a script with its values assigned; raises `ValueError` for a value of several lines or a NUL."""
    lines = [f"R={shlex.quote(root)}"]
    for name, value in values.items():
        if any(letter in value for letter in "\0\n\r"):
            raise ValueError(name)
        lines.append(f"{name}={shlex.quote(value)}")
    for place, text in (
        ("@STAGE@", STAGE),
        ("@FOLDERS@", " ".join(FOLDERS)),
        ("@UNIT_FOLDER@", UNIT_FOLDER),
        ("@UNITS@", " ".join(UNITS)),
        ("@OTHERS@", " ".join(OTHERS)),
        ("@MADE@", " ".join(MADE)),
        ("@PARENT_CASES@", "|".join(PARENTS)),
        ("@MADE_CASES@", "|".join(path for path in MADE if path not in PARENTS)),
    ):
        body = body.replace(place, text)
    return (_FRAME % "\n".join([*lines, body])).encode()


def preflight(planes: str, root: str = "") -> bytes:
    """Return what reads a host and changes nothing; `planes` are HOST:PORT with spaces between, from a checked URL."""
    return _script(_PREFLIGHT, root, PLANES=planes)


def begin(run: str, digest: str, root: str = "") -> bytes:
    """Return what makes the stage or takes it over; it prints `have=N`, the bytes of the program that are there."""
    return _script(_STAGE_CHECKED + _BEGIN, root, RUN=run, HASH=digest)


def put(run: str, name: str, offset: int, data: bytes, root: str = "") -> bytes:
    """Return what adds `data` (at most `PIECE` bytes) to a file of the stage that has `offset` bytes; 0600."""
    body = (_OWNED + _PUT).replace("@DATA@", base64.encodebytes(data).decode())
    return _script(body, root, RUN=run, NAME=name, OFFSET=str(offset), AFTER=str(offset + len(data)))


def check(run: str, name: str, digest: str, root: str = "") -> bytes:
    """Return what compares a file of the stage with its SHA-256; it is removed (status 65) where it differs."""
    return _script(_OWNED + _CHECK, root, RUN=run, NAME=name, HASH=digest)


def install(run: str, digest: str, python: str, endpoint: str, root: str = "") -> bytes:
    """Return what writes down what is not there yet, and then runs the agent's own installation."""
    return _script(_OWNED + _INSTALL, root, RUN=run, NAME=f"agent-{digest}", PY=python, ENDPOINT=endpoint)


def status(python: str, root: str = "") -> bytes:
    """Return what prints the status of the installed agent as JSON."""
    return _script(_STATUS, root, PY=python)


def undo(run: str = "", root: str = "") -> bytes:
    """Return what takes everything back that the stage lists; `run` "" does so whoever began it.

    An installation that still runs there (its link was cut, or it was interrupted) is ended first. It prints the
    status of the agent that was stopped, where it has one, and then `undone`; `nothing` where there is no stage.
    """
    return _script(_STAGE_CHECKED + _UNDO, root, RUN=run)


def finish(run: str, root: str = "") -> bytes:
    """Return what removes the stage and leaves the agent; `run` as for `undo`."""
    return _script(_FINISH, root, RUN=run)

"""The agent of the host, whichever it is, and the user-data as the host sees it."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

AGENTS = "edgewright-agent spectro-stylus-agent stylus-agent palette-agent"
"""Units of agents; `$a` in a script is the first one that the host has."""
_UNIT = rf"""
a=''
if have systemctl; then
  for u in {AGENTS}; do
    case $(systemctl show -p LoadState "$u.service" 2>/dev/null) in
      LoadState=not-found|'') ;;
      *) a=$u; break ;;
    esac
  done
fi
"""

PROBES: tuple[Probe, ...] = (
    Probe(
        "agent.unit",
        "which agent the host has, and since when it runs",
        _UNIT
        + r"""
have systemctl || { echo no-program; exit 0; }
[ -n "$a" ] || { echo "agent none"; exit 0; }
echo "agent $a"
systemctl show -p ActiveState -p SubState -p NRestarts -p ExecMainStatus -p Result "$a.service"
""",
        4,
        1024,
    ),
    Probe(
        "agent.status",
        "what our agent reports of itself: registered or not, last heartbeat, why not",
        r"""
d=/var/lib/edgewright
[ -d $d ] || { echo none; exit 0; }
[ -r $d/status.json ] && echo "status $(head -c 6000 $d/status.json | tr '\n' ' ')"
[ -r $d/identity.json ] && echo "identity $(head -c 2000 $d/identity.json | tr '\n' ' ')"
[ -s $d/registration.json ] && echo registered || echo not-registered
:
""",
        3,
        9000,
        "needed",
    ),
    Probe(
        "agent.log",
        "end of the agent's log",
        _UNIT
        + r"""
have journalctl || { echo no-program; exit 0; }
[ -n "$a" ] || exit 0
journalctl -u "$a.service" -b -n "$LINES_OF_LOG" -q --no-pager -o short-unix 2>/dev/null
""",
        5,
        49152,
        "better",
    ),
    Probe(
        "agent.files",
        "token and CA files of the agent: present, readable, their size (not their content)",
        r"""
for f in /etc/edgewright/token /etc/edgewright/ca.crt /etc/edgewright/user-data; do
  [ -e $f ] && ls -l $f | sed 's/^/file /'
done
f=/etc/systemd/system/edgewright-agent.service
[ -r $f ] && sed -n 's/^ExecStart=//p' $f | tr ' ' '\n' |
  grep -A1 -E '^--(endpoint|token-file|ca|user-data)$' | tr '\n' ' ' | sed 's/^/options /'
echo
for f in $(sed -n 's/^ExecStart=.*--\(token-file\|ca\)[ =]"*\([^ "]*\).*/\2/p' $f 2>/dev/null); do
  case $f in *[!A-Za-z0-9./_-]*) continue ;; esac
  [ -s "$f" ] || echo "missing $f"
done
for f in $(sed -n 's/^ExecStart=.*--user-data[ =]"*\([^ "]*\).*/\1/p' \
  /etc/systemd/system/edgewright-agent.service 2>/dev/null); do
  case $f in *[!A-Za-z0-9./_-]*) continue ;; esac
  [ -e "$f" ] || echo "no-data $f"
done
:
""",
        3,
        4096,
        "needed",
    ),
    Probe(
        "userdata.files",
        "files of user-data and their size",
        r"""
for f in /oem/userdata /oem/90_custom.yaml /oem/stylus_config.yaml /run/stylus/userdata \
  /var/lib/spectro/userdata /etc/edgewright/user-data; do
  [ -e $f ] && ls -ld $f
done
:
""",
        root="better",
    ),
    Probe(
        "userdata.site",
        "settings of the site, by a list of keys that contain no secret",
        r"""
for f in /oem/userdata /oem/90_custom.yaml /run/stylus/userdata /var/lib/spectro/userdata \
  /etc/edgewright/user-data; do
  [ -r $f ] || continue
  echo "file $f"
  grep -nE -e '^ *(name|hostName|prefix|paletteEndpoint|projectName|projectUid|managementMode): *[^|>]*$' \
    -e '^ *(installationMode|insecureSkipVerify|disableAutoRegister|nameserver|ntpServers|noProxy): *[^|>]*$' \
    -e '^ *(type|ipAddress|mask|gateway|clusterName|skip|enabled): *[^|>]*$' $f |
    grep -vE '://[^/]*@' | head -n 60
  sed -n '/^ *\(localUI\|emcServer\): *$/,+3 s/^ *port: *\([0-9]\{1,5\}\) *$/localUIPort: \1/p' $f
  grep -qE '^ *edgeHostToken: *[^ ]' $f && echo "has-token"
  grep -q "$(printf '^ *\t')" $f && echo "has-tabs"
done
:
""",
        3,
        8192,
        "better",
    ),
    Probe(
        "userdata.shape",
        "the shape of user-data and of other YAML below /oem: letters and digits left out, to find what is not YAML",
        r"""
for f in /oem/userdata /oem/*.yaml /oem/*.yml /var/lib/spectro/userdata /etc/edgewright/user-data; do
  case $f in *[!A-Za-z0-9./_-]*) continue ;; esac
  [ -f $f ] && [ -r $f ] || continue
  n=$(dd if=$f bs=4096 count=8 2>/dev/null | tr -dc '\000' | wc -c)
  [ "${n:-0}" -gt 0 ] && { echo "file $f"; echo nul; continue; }
  [ "$(wc -c <$f)" -le 16384 ] || continue
  echo "file $f"
  sed -e 's/^ *#.*//' -e 's/\\["\\]/x/g' -e 's/[^][ {}:,"*!|&>%@`#'"'"'-]\{1,\}/x/g' $f | sed 's/^/|/'
done | head -n 1500
:
""",
        3,
        24576,
        "better",
    ),
)

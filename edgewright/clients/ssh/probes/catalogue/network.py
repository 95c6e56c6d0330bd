"""Links, addresses, routes, what answers, and name resolution."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

SHARED = r"""
plane_of() {
  e=''
  for f in /etc/systemd/system/edgewright-agent.service /etc/systemd/system/edgewright-agent.service.d/*.conf; do
    [ -r "$f" ] && e=$(sed -n "s/^ExecStart=.*--endpoint[ =]\"*'*\([^ ,\"']*\).*/\1/p" "$f" | tail -n 1)
    [ -n "$e" ] && break
  done
  if [ -z "$e" ]; then
    for f in /oem/userdata /oem/90_custom.yaml /run/stylus/userdata /etc/edgewright/user-data \
      /var/lib/spectro/userdata; do
      [ -r $f ] && e=$(sed -n "s/^ *paletteEndpoint: *[\"']*\([^ ,\"'#]*\).*/\1/p" $f | head -n 1)
      [ -n "$e" ] && break
    done
  fi
  e=${e#https://}; e=${e#http://}; e=${e%%/*}
  case $e in
    \[*\]:*) plane_host=${e#\[}; plane_host=${plane_host%%\]*}; plane_port=${e##*:} ;;
    *:*:*) plane_host=$e; plane_port=443 ;;
    *:*) plane_host=${e%%:*}; plane_port=${e##*:} ;;
    *) plane_host=$e; plane_port=443 ;;
  esac
  case $plane_host in ''|-*|*[!A-Za-z0-9.:-]*) plane_host=''; return 1 ;; esac
  case $plane_port in ''|*[!0-9]*|??????*) return 1 ;; esac
}
reach() {
  if have python3; then
    python3 -I -c 'import socket,sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close(); print("open")
except socket.gaierror: print("name")
except socket.timeout: print("silent")
except ConnectionRefusedError: print("refused")
except OSError as e: print("no-route" if e.errno in (1, 13, 22, 101, 113) else "error %s" % e.errno)' "$1" "$2" &&
    return
  fi
  if have curl; then
    case $1 in *:*) n="[$1]" ;; *) n=$1 ;; esac
    t=$(curl -skv --noproxy '*' --connect-timeout 3 -m 4 "https://$n:$2/" </dev/null 2>&1 >/dev/null); r=$?
    case $r:$t in
      *'* Connected to '*) echo open ;;
      6:*) echo name ;;
      7:*'oute to host'*|7:*nreachable*) echo no-route ;;
      7:*) echo refused ;;
      28:*) echo silent ;;
      *) echo "error $r" ;;
    esac
    return
  fi
  if have nc; then
    n=$(nc -w 3 "$1" "$2" </dev/null 2>&1 >/dev/null); r=$?
    case $r:$n in
      0:*) echo open ;;
      *refused*) echo refused ;;
      *'no route'*|*nreachable*) echo no-route ;;
      *'bad address'*|*resolve*|*'not known'*) echo name ;;
      *) echo silent ;;
    esac
    return
  fi
  echo no-program
}
arp() { python3 -I -c 'import socket,struct,sys,time
i, a = sys.argv[1], sys.argv[2]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)); s.bind((i, 0x0806)); s.settimeout(0.1)
m = s.getsockname()[4]; t = socket.inet_aton(a); seen = set()
for n in range(8 if sys.argv[3:] else 2):
    s.send(b"\xff"*6 + m + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + m + b"\0\0\0\0" + b"\0"*6 + t)
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        try: p = s.recv(100)
        except OSError: continue
        if len(p) >= 42 and p[20:22] == b"\0\2" and p[28:32] == t and p[22:28] != m: seen.add(p[22:28].hex(":"))
        if seen and sys.argv[3:]: break
    if seen and sys.argv[3:]: break
print(*sorted(seen)[:4])' "$@" 2>/dev/null; }
"""
"""Functions of the shell: `plane_of` finds the plane as the host itself has it, checked before it is a word of a
command; `reach HOST PORT` prints how a port answers, `arp CARD ADDRESS` which other machines have an address."""

PROBES: tuple[Probe, ...] = (
    Probe(
        "network.links",
        "network cards: up, carrier, MTU",
        r"""
for d in /sys/class/net/*; do
  [ -e "$d/operstate" ] || continue
  c=$(cat "$d/carrier" 2>/dev/null); k=virtual
  [ -e "$d/device" ] && k=card
  [ -d "$d/bridge" ] && k=bridge
  [ -e "/proc/net/vlan/${d##*/}" ] && k=vlan
  [ -d "$d/bonding" ] && k=bond
  m=$(cat "$d/address" 2>/dev/null)
  echo "link ${d##*/} $(cat "$d/operstate") ${c:--} $(cat "$d/mtu") ${m:--} $k $(cat "$d/flags")"
done | head -n 100
have networkctl && networkctl list --no-legend --no-pager 2>/dev/null | head -n 60 | sed 's/^/setup /'
:
""",
        4,
    ),
    Probe(
        "network.addresses",
        "addresses",
        r"""
if have ip; then ip -o addr show 2>/dev/null | grep -E ' inet6? ' | head -n 120
elif have ifconfig; then ifconfig -a 2>/dev/null | grep -E '^[^ ]|inet' | sed 's/^/ifconfig /' | head -n 200
else echo no-program; fi
""",
        size=12288,
    ),
    Probe("network.routes", "routes of IPv4", "cat /proc/net/route | head -n 200", size=16384),
    Probe("network.routes6", "default routes of IPv6", "grep -E '^0{32} 00 ' /proc/net/ipv6_route | head -n 20; :"),
    Probe("network.neighbours", "neighbours that ARP knows", "cat /proc/net/arp | head -n 100"),
    Probe(
        "network.listen",
        "ports that are listened on",
        r"""
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ l _ s _; do
  [ "$s" = 0A ] && echo "${l##*:}"
done | sort -u | head -n 200
""",
        4,
    ),
    Probe(
        "network.gateway",
        "whether the default gateway answers",
        r"""
while read -r i d g _; do
  [ "$d" = 00000000 ] && [ "$g" != 00000000 ] && break
  g=''
done </proc/net/route
[ -n "$g" ] || { echo none; exit 0; }
a=$((0x${g#??????})); h=${g#????}; b=$((0x${h%??})); h=${g#??}; c=$((0x${h%????})); e=$((0x${g%??????}))
w=$a.$b.$c.$e
if have ping; then
  if ping -c 1 -W 2 "$w" >/dev/null 2>&1; then echo "answers $w $i"; exit 0; fi
fi
t=$(cat "/sys/class/net/$i/type" 2>/dev/null)
[ "$t" = 1 ] || { echo "unknown $w $i"; exit 0; }
if have python3 && [ "$R" = 1 ]; then
  m=$(arp "$i" "$w" one) && { [ -n "$m" ] && echo "known $w $i" || echo "silent $w $i"; exit 0; }
fi
have nc && nc -w 1 "$w" 9 </dev/null >/dev/null 2>&1
sleep 1
while read -r p _ f _; do
  if [ "$p" = "$w" ]; then [ "$f" = 0x0 ] && echo "silent $w $i" || echo "known $w $i"; exit 0; fi
done </proc/net/arp
echo "unknown $w $i"
""",
        7,
        1024,
        waits=True,
    ),
    Probe(
        "network.duplicate",
        "whether another machine answers for an address of this host (ARP)",
        r"""
v=''
for f in /run/edgewright/keepalived/keepalived.conf /etc/keepalived/keepalived.conf; do
  [ -r $f ] && v="$v $(sed -n '/virtual_ipaddress/,/}/p' $f | grep -oE '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+')"
done
for f in /etc/kubernetes/manifests/kube-vip*.y*ml; do
  [ -r "$f" ] && v="$v $(grep -A1 -E 'name: (address|vip_address)' "$f" | grep -oE '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+')"
done
for a in $v; do echo "vip $a"; done
have python3 || have arping || { echo no-program; exit 0; }
have ip || { echo no-program; exit 0; }
ip -4 -o addr show scope global 2>/dev/null | while read -r _ i _ a _; do
  case $i in cni*|flannel*|cali*|cilium*|docker*|veth*|lo|kube-*|virbr*) continue ;; esac
  echo "$i ${a%%/*}"
done | head -n 4 | while read -r i a; do
  i=${i%%@*}
  if have python3; then
    m=$(arp "$i" "$a") && echo "asked $a $i $m" || echo "failed $a $i"
  else
    o=$(arping -D -c 2 -w 2 -I "$i" "$a" 2>&1)
    case $o in *[Ss]ent*|*probes*) ;; *) echo "failed $a $i"; continue ;; esac
    n=$(printf '%s\n' "$o" | grep -oiE '([0-9a-f]{2}:){5}[0-9a-f]{2}' | sort -u | head -n 4 | tr '\n' ' ')
    echo "asked $a $i $n"
  fi
done
:
""",
        9,
        4096,
        "needed",
        waits=True,
    ),
    Probe(
        "network.plane",
        "whether the plane is reached from the host: its port, TLS and the trust in it, large packets",
        r"""
plane_of || { echo "plane none"; exit 0; }
grep -hE "^[^#]*[[:space:]]$plane_host([[:space:]]|$)" /etc/hosts 2>/dev/null |
  head -n 1 | cut -c 1-160 | sed 's/^/hosts /'
if ! have python3; then
  o=$(reach "$plane_host" "$plane_port"); echo "plane $plane_host $plane_port $o"
  [ "$o" = open ] && have openssl || exit 0
  case $plane_host in *:*) h="[$plane_host]" ;; *) h=$plane_host ;; esac
  have timeout || exit 0
  timeout 4 openssl s_client -connect "$h:$plane_port" </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE' &&
    echo "tls ok" || echo "tls silent"
  exit 0
fi
f=$(sed -n 's/^ExecStart=.*--ca[ =]"*\([A-Za-z0-9./_-]*\).*/\1/p' /etc/systemd/system/edgewright-agent.service \
  2>/dev/null)
python3 -I -c 'import re,socket,ssl,struct,sys,time
h,p=sys.argv[1],int(sys.argv[2]); began=time.monotonic()
def out(*words): print(*words, flush=True)
try:
    n=len(socket.getaddrinfo(h,p,0,1)); s=socket.create_connection((h,p),min(5,max(1,10//n))); out("plane",h,p,"open")
except socket.gaierror: out("plane",h,p,"name"); sys.exit()
except socket.timeout: out("plane",h,p,"silent"); sys.exit()
except ConnectionRefusedError: out("plane",h,p,"refused"); sys.exit()
except OSError as e:
    out("plane",h,p,"no-route" if e.errno in (1,13,22,101,113) else "refused" if e.errno==104 else "error",e.errno)
    sys.exit()
to=s.getpeername()[0]; out("at",to)
t=ssl.create_default_context(); pem=""
for f in sys.argv[3:]:
    try: pem+=open(f,errors="replace").read(200000)+"\n"
    except OSError: pass
for b in re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",pem,re.S)[:20]:
    try: t.load_verify_locations(cadata="\n".join(l.strip() for l in b.splitlines())+"\n")
    except ssl.SSLError: pass
s.settimeout(4)
try:
    w=t.wrap_socket(s,server_hostname=h); out("tls ok"); out("verify 0")
    w.sendall(b"GET / HTTP/1.0\r\nHost: "+h.encode()+b"\r\n\r\n"); r=w.recv(200).split(b" ",2)
    if r[0].startswith(b"HTTP/"): out("http",int(r[1]))
except ssl.SSLCertVerificationError as e: out("tls ok"); out("verify",e.verify_code,e.verify_message[:100])
except socket.timeout: out("tls silent")
except ssl.SSLError as e: out("tls error",e.reason)
except (OSError,ValueError,IndexError) as e: out("tls closed")
if time.monotonic()-began>11: sys.exit()
try:
    u=socket.socket(2,2); u.connect((to,p)); m=u.getsockopt(0,14); m-=m%2
    r=socket.socket(2,3,1); r.setsockopt(0,10,2)
except OSError: sys.exit()
def ping(n):
    n-=28; b=struct.pack("!BBHHH",8,0,0,4660,n)+b"e"*n; b+=b"e"*(len(b)%2)
    c=sum(struct.unpack("!%dH"%(len(b)//2),b)); c=(c>>16)+(c&65535); c+=c>>16
    try: r.sendto(b[:2]+struct.pack("!H",~c&65535)+b[4:],(to,0))
    except OSError: return None
    until=time.monotonic()+1
    while time.monotonic()<until:
        r.settimeout(max(0.01,until-time.monotonic()))
        try: a,_=r.recvfrom(65535)
        except OSError: return False
        if len(a)>=28 and a[20]==0 and a[24:26]==b"\x12\x34" and a[26:28]==struct.pack("!H",n): return True
    return False
# None, an error of the kernel, is a router that names the right size: only silence loses packets.
if ping(m) is False and ping(84):
    if ping(m) is False and ping(m) is False:
        for n in (1400,1300,1200,1000,700,500,84):
            if n<m and (n==84 or time.monotonic()-began<13 and ping(n)): out("mtu",m,n); break
' "$plane_host" "$plane_port" $f /etc/edgewright/ca.crt /etc/edgewright/user-data /oem/userdata 2>/dev/null
""",
        16,
        1024,
        "better",
        waits=True,
    ),
    Probe(
        "network.firewall",
        "whether a firewall is on, and its open ports",
        r"""
have firewall-cmd && [ "$(firewall-cmd --state 2>/dev/null)" = running ] && { echo "firewalld running";
  firewall-cmd --list-ports 2>/dev/null | sed 's/^/ports /'; }
have ufw && ufw status 2>/dev/null | head -n 30 | sed 's/^/ufw /'
have nft && nft -nn list ruleset 2>/dev/null | awk '
  /^[ \t]*chain /{k = ($2 ~ /^(KUBE-|DOCKER|CNI-|cali-|CILIUM|FLANNEL|POSTROUTING)/)}
  !k && (/^[ \t]*chain / || /type filter hook/ || /(^|[ \t])(drop|reject|accept)/ || /(jump|goto) /) {
    sub(/^[ \t]+/, ""); print "nft " substr($0, 1, 240)}' | head -n 300
have iptables && iptables -S 2>/dev/null | grep -E -e '^-P (INPUT|FORWARD)' -e '^-A .*-j ' |
  grep -vE '^-A (KUBE-|CNI-|DOCKER)' | head -n 200 | cut -c 1-240 | sed 's/^/ipt /'
:
""",
        5,
        24576,
        "needed",
    ),
    Probe(
        "dns.config",
        "name servers and where names come from",
        r"""
ls -l /etc/resolv.conf 2>/dev/null | sed 's/^.*\/etc\/resolv.conf/file \/etc\/resolv.conf/'
[ -s /etc/resolv.conf ] || echo "empty"
grep -E '^ *(nameserver|search|domain|options)' /etc/resolv.conf 2>/dev/null | head -n 12
grep -E '^hosts:' /etc/nsswitch.conf 2>/dev/null
[ -r /run/systemd/resolve/resolv.conf ] && grep -E '^nameserver' /run/systemd/resolve/resolv.conf | head -n 6 |
  sed 's/^/upstream /'
:
""",
    ),
    Probe(
        "dns.servers",
        "whether each name server answers",
        r"""
plane_of; q=$plane_host
case $q in ''|*:*|*[0-9].*[0-9].*[0-9].*[0-9]) q=localhost ;; esac
sed -n 's/^ *nameserver *\([0-9A-Fa-f.:]*\).*/\1/p' /etc/resolv.conf 2>/dev/null | head -n 3 | while read -r s; do
  if have python3; then
    python3 -I -c 'import socket,sys,struct
s, q = sys.argv[1], sys.argv[2]
u = socket.socket(socket.AF_INET6 if ":" in s else socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(4)
try:
    u.connect((s, 53))
    u.send(struct.pack("!6H", 4660, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in \
      q.split(".") if l) + b"\0\0\1\0\1")
    r = u.recv(512); print("server", s, "rcode", r[3] % 16, q)
except socket.timeout: print("server", s, "silent")
except ConnectionRefusedError: print("server", s, "refused")
except OSError as e: print("server", s, "no-route" if e.errno in (13, 22, 101, 113) else "error")' "$s" "$q"
  elif have nslookup; then
    n=$(nslookup "$q" "$s" 2>&1)
    case $n in
      *'timed out'*|*'no servers could be reached'*|*"can't connect"*) echo "server $s silent" ;;
      *refused*|*REFUSED*) echo "server $s refused" ;;
      *nreachable*) echo "server $s no-route" ;;
      *NXDOMAIN*|*'Name or service'*) echo "server $s rcode 3 $q" ;;
      *SERVFAIL*) echo "server $s rcode 2 $q" ;;
      *Name:*|*'No answer'*) echo "server $s rcode 0 $q" ;;
      *) echo "server $s unknown" ;;
    esac
  else echo "server $s no-program"; fi
done
:
""",
        14,
        2048,
        "better",
        waits=True,
    ),
    Probe(
        "dns.plane",
        "whether the plane's name resolves the way programs ask",
        r"""
plane_of || { echo none; exit 0; }
case $plane_host in *:*|*[!0-9.]*) ;; *) echo "address $plane_host"; exit 0 ;; esac
case $plane_host in *:*) echo "address $plane_host"; exit 0 ;; esac
if have getent; then
  r=$(getent hosts "$plane_host" | head -n 1); [ -n "$r" ] && echo "resolves $plane_host ${r%% *}" ||
    echo "fails $plane_host"
elif have nslookup; then
  nslookup "$plane_host" >/dev/null 2>&1 && echo "resolves $plane_host" || echo "fails $plane_host"
else echo no-program; fi
""",
        6,
        1024,
        "better",
        waits=True,
    ),
)

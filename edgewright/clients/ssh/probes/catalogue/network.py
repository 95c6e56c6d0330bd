"""Links, addresses, routes, what answers, and name resolution."""

from __future__ import annotations

from edgewright.clients.ssh.probes.probe import Probe

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
  m=$(arp one "$i" "$w")
  case $m in asked*:*) echo "known $w $i"; exit 0 ;; asked*) echo "silent $w $i"; exit 0 ;; esac
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
l=$(ip -4 -o addr show scope global 2>/dev/null | while read -r _ i _ a _; do
  case $i in cni*|flannel*|cali*|cilium*|docker*|veth*|lo|kube-*|virbr*) continue ;; esac
  case $i in *[!A-Za-z0-9@._-]*) ;; *) echo "${i%%@*} ${a%%/*}" ;; esac
done | head -n 4)
have python3 && { arp all $l; exit 0; }
printf '%s\n' "$l" | while read -r i a; do
  o=$(arping -D -c 2 -w 2 -I "$i" "$a" 2>&1)
  case $o in *[Ss]ent*|*probes*) ;; *) echo "failed $a $i"; continue ;; esac
  n=$(printf '%s\n' "$o" | grep -oiE '([0-9a-f]{2}:){5}[0-9a-f]{2}' | sort -u | head -n 4 | tr '\n' ' ')
  echo "asked $a $i $n"
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
v() { for f in /oem/userdata /oem/90_custom.yaml /run/stylus/userdata /etc/edgewright/user-data \
  /var/lib/spectro/userdata; do [ -r $f ] && sed -n "s/^ *$1: *//p" $f | tr -d "\"'"; done | head -n 1; }
x=$(v httpsProxy) n=$(v noProxy)
if have systemctl && [ -z "$x" ]; then
  p=$(systemctl show -p MainPID edgewright-agent spectro-stylus-agent stylus-agent palette-agent 2>/dev/null |
    sed -n 's/^MainPID=\([1-9]\)/\1/p' | head -n 1)
  e() { tr '\0' '\n' <"/proc/${p:-0}/environ" | sed -n "s/^$1=//p" | head -n 1; }
  { x=$(e '[hH][tT][tT][pP][sS]_[pP][rR][oO][xX][yY]')
    [ -n "$n" ] || n=$(e '[nN][oO]_[pP][rR][oO][xX][yY]'); } 2>/dev/null
fi
if ! have python3; then
  h=${x#*://}; h=${h##*@}; h=${h%%[/ ]*}; p=3128
  case $h in *:*) p=${h##*:} h=${h%%:*} ;; esac
  case $h$p in ''|3128|-*|*[!A-Za-z0-9.-]*) ;; *) echo "proxy $h $p $(reach "$h" "$p")" ;; esac
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
EW_X=$x EW_N=$n python3 -I -c "$PY"'import ipaddress,os,re,ssl,struct
from base64 import b64encode
from urllib.parse import unquote,urlsplit
h,p=sys.argv[1],int(sys.argv[2]); began=time.monotonic(); x="".join(os.environ["EW_X"].split()[:1]); who=("plane",h,p)
def out(*words): print(*words, flush=True)
def spared(w):
    w=w.strip().lower()
    try: return ipaddress.ip_address(h) in ipaddress.ip_network(w,False)
    except ValueError: return w=="*" or w.strip("*.")!="" and ("."+h.lower()).endswith("."+w.lstrip("*."))
if x and not any(map(spared,os.environ["EW_N"].split(","))):
    try:
        u=urlsplit(x if "://" in x else "http://"+x); who=("proxy",u.hostname or "",u.port or 3128)
    except ValueError: who=("proxy","",0)
    if not re.fullmatch("[A-Za-z0-9.:-]+",who[1]): out("proxy - 1 name"); sys.exit()
try: s=dial(who[1],who[2],8); out(*who,"open")
except OSError as e: out(*who,state(e)); sys.exit()
to=s.getpeername()[0]
if who[0]=="proxy":
    a=unquote(u.username or "")+":"+unquote(u.password or ""); s.settimeout(4); r=b""
    n="["+h+"]" if ":" in h else h
    a="" if a==":" else "Proxy-Authorization: Basic "+b64encode(a.encode()).decode()+"\r\n"
    try:
        s.sendall(f"CONNECT {n}:{p} HTTP/1.1\r\nHost: {n}:{p}\r\n{a}\r\n".encode())
        while not r.endswith(b"\r\n\r\n") and len(r)<9000:
            a=s.recv(1); r+=a
            if not a: break
        a=int(r.split()[1])
    except socket.timeout: a="silent"
    except (OSError,ValueError,IndexError): a="closed"
    out("answer",a)
    if a!=200: sys.exit()
    out("plane",h,p,"open")
else: out("at",to)
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
if who[0]=="proxy" or time.monotonic()-began>11: sys.exit()
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
    python3 -I -c "$PY"'import struct
s, q = sys.argv[1], sys.argv[2]
u = socket.socket(socket.AF_INET6 if ":" in s else socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(4)
try:
    u.connect((s, 53))
    u.send(struct.pack("!6H", 4660, 256, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in \
      q.split(".") if l) + b"\0\0\1\0\1")
    r = u.recv(512); print("server", s, "rcode", r[3] % 16, q)
except OSError as e: print("server", s, state(e))' "$s" "$q"
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

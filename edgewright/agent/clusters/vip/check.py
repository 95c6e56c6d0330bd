#!/usr/bin/env python3
"""May this host have the VIP? Exit status 0: yes. A single file that needs no agent; keepalived runs it every 2 s.

Its argument is the folder with check.json (the addresses of the other control planes). No: (a) the API server of this
host is dead: /livez without etcd fails; or (b) it is isolated: its etcd is not healthy for 15 s and fewer than a
majority of the control planes, itself counted, accept connections of etcd's peers. A slow disk or a lost quorum with
reachable peers leaves the VIP where it is.
"""

import http.client
import json
import os
import socket
import ssl
import sys
import time

SINCE = "etcd-unhealthy-since"
ISOLATED = 15.0


def alive() -> bool:
    """Whether the API server of this host serves: 200, or 401 and 403 where anonymous requests are refused."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # this host's own port: nothing is sent
    link = http.client.HTTPSConnection("127.0.0.1", 6443, timeout=2, context=context)
    try:
        link.request("GET", "/livez?exclude=etcd")
        return link.getresponse().status in (200, 401, 403)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        link.close()


def etcd_healthy() -> bool:
    """Whether the etcd of this host has a leader and can write."""
    link = http.client.HTTPConnection("127.0.0.1", 2381, timeout=2)
    try:
        link.request("GET", "/health")
        return bool(json.loads(link.getresponse().read(4096)).get("health") == "true")
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False
    finally:
        link.close()


def unhealthy_for(folder: str) -> float:
    """Seconds for which etcd is not healthy, by the clock since the start of the host."""
    path = os.path.join(folder, SINCE)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    if etcd_healthy():
        try:
            os.unlink(path)
        except OSError:
            pass
        return 0.0
    try:
        with open(path) as file:
            return now - float(file.read(32))
    except (OSError, ValueError):
        with open(path, "w") as file:
            file.write(str(now))
        return 0.0


def reaches(address: str) -> bool:
    """Whether the etcd of a control plane accepts connections of its peers."""
    try:
        socket.create_connection((address, 2380), timeout=1).close()
    except OSError:
        return False
    return True


def may_have(folder: str) -> bool:
    """Return whether this host may have the VIP."""
    if not alive():
        return False
    if unhealthy_for(folder) < ISOLATED:
        return True
    with open(os.path.join(folder, "check.json")) as file:
        peers = json.load(file)["peers"]
    count = 1 + sum(1 for peer in peers if reaches(peer))
    return count >= (1 + len(peers)) // 2 + 1


if __name__ == "__main__":
    try:
        sys.exit(0 if may_have(sys.argv[1]) else 1)
    except Exception as error:
        print(error, file=sys.stderr)
        sys.exit(1)

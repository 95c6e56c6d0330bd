"""Ask a hub of this machine whether it is healthy, for container runtimes: `probe [URL]`; exit code 0 or 1.

The certificate is not verified: it is asked over loopback, without a credential, and only the status counts.
"""

from __future__ import annotations

import ssl
import sys
import urllib.error
import urllib.request


def main(argv: list[str]) -> int:
    """Return 0 when the address answers 200."""
    url = argv[1] if len(argv) > 1 else "https://127.0.0.1:8443/healthz"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=4) as answer:
            return 0 if answer.status == 200 else 1
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{url} does not answer as it must: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))

#!/bin/sh
# A stand-in for AuroraBoot: it cannot be had where tests run. It writes what it was given into a file named like an ISO.
echo "stand-in for auroraboot: $*"
while [ $# -gt 0 ]; do
  [ "$1" = --output ] && out=$2
  last=$1
  shift
done
[ -n "$STAND_IN_AURORABOOT_EMPTY" ] || echo "ISO of $last" > "$out/stand-in.iso"

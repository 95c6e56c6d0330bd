#!/bin/sh
# A stand-in for CanvOS's earthly.sh: CanvOS cannot be had where tests run. It says what it was given, and leaves files.
echo "stand-in for earthly: $*"
. ./.arg
[ "$CUSTOM_TAG" = fails ] && { echo "stand-in: the build fails as asked"; exit 3; }
mkdir -p build
echo "provider image of $K8S_DISTRIBUTION $K8S_VERSION on $BASE_IMAGE" > build/provider.txt
echo "stand-in: done"

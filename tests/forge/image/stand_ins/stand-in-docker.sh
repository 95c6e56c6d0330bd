#!/bin/sh
# A stand-in for Docker's program: there is no Docker where tests run. It notes what it was asked to push.
echo "stand-in for docker: $*"
echo "$*" >> "${STAND_IN_DOCKER_LOG:-/dev/null}"

#!/bin/bash
echo "the team's entrypoint, in $PWD"
export TEAM=vision PATH=/opt/team/bin:$PATH
export STARTED=$RANDOM
exec "$@"

#!/usr/bin/env bash
# `make demo`: build an image, prove it, start it, train in it. Run again, it builds nothing twice.
# What it leaves: the image cpu:dev, the environment `demo` (a later run replaces it), the folder .demo behind /work.
set -euo pipefail
cd "$(dirname "$0")/.."
MODEL_PATH="demo-$(date +%Y%m%d-%H%M%S)"

step() {
    printf '\n$ %s\n' "$*" >&2
    "$@"
}

step envkit build preset:cpu
if envkit ps --json | grep '"name": "demo"' >/dev/null; then
    step envkit rm demo --yes
fi
urls=$(step envkit up preset:cpu --name demo --home .demo/home --cache .demo/cache --show-token)

cp examples/train.py .demo/home/
step envkit exec demo -- env "MODEL_PATH=$MODEL_PATH" python train.py

printf '\nwhat TensorBoard reads:\n'
ls -1 ".demo/home/task/$MODEL_PATH/model/"events.* | sed 's/^/  /'
printf '\n%s\n\n`envkit rm demo` ends it; .demo/home stays.\n' "$urls"

#!/bin/sh
# Run a command with the user's secrets as variables: `with-secrets CMD ARG...`. The IDEs start so; `docker exec` does not.
set -eu

for name in ${ENVKIT_SECRET_NAMES:-}; do
    file="${ENVKIT_SECRETS:-/run/secrets}/$name"
    [ ! -f "$file" ] || export "$name=$(cat "$file")"
done
exec "$@"

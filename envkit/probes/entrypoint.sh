#!/bin/sh
# The image's start: `ide` brings up the IDEs; any other command is executed untouched.
set -eu

[ "$#" -eq 1 ] && [ "$1" = ide ] || exec "$@"

fail() { echo "envkit: $1" >&2; exit 1; }

uid=$(id -u)
umask 077

# A folder of our own that nobody else made first: /tmp and /dev/shm are open to all.
own_folder() {
    mkdir -m 700 "$1" 2>/dev/null || true
    # shellcheck disable=SC3067  # dash and bash, of which one is every base's sh, know -O
    [ ! -L "$1" ] && [ -d "$1" ] && [ -O "$1" ] || fail "$1 belongs to somebody else"
    chmod 700 "$1"
}

ENVKIT_RUNTIME=/tmp/envkit-$uid
own_folder "$ENVKIT_RUNTIME"
rm -f "$ENVKIT_RUNTIME"/*.sock

# Secrets only ever lie in memory: a plain folder would be a layer, and a commit would keep it.
if grep -q ' /run/secrets tmpfs ' /proc/mounts && [ -w /run/secrets ]; then
    ENVKIT_SECRETS=/run/secrets
else
    grep -q ' /dev/shm tmpfs ' /proc/mounts || fail "no tmpfs for secrets: mount one at /run/secrets"
    ENVKIT_SECRETS=/dev/shm/envkit-$uid
    own_folder "$ENVKIT_SECRETS"
fi

# New tokens at every start, so that a restart needs no client. No newline: Jupyter takes the file as it is.
new_secret() {
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$ENVKIT_SECRETS/.new"
    chmod 400 "$ENVKIT_SECRETS/.new"
    mv -f "$ENVKIT_SECRETS/.new" "$ENVKIT_SECRETS/$1"
}
new_secret jupyter_token
new_secret code_server_password

# What only the client has: a user's secrets, the door's certificate. Until they are here nothing listens.
rm -f "$ENVKIT_RUNTIME/waiting"
if [ -n "${ENVKIT_TLS:-}${ENVKIT_SECRET_NAMES:-}" ] && [ ! -e "$ENVKIT_SECRETS/.delivered" ]; then
    awaited=${ENVKIT_TLS:+the certificate of its door}
    for name in ${ENVKIT_SECRET_NAMES:-}; do awaited="${awaited:+$awaited, }$name"; done
    printf '%s\n' "$awaited" >"$ENVKIT_RUNTIME/waiting"
    echo "envkit: waiting for secrets: $awaited" >&2
    until [ -e "$ENVKIT_SECRETS/.delivered" ]; do sleep 0.2; done
    rm -f "$ENVKIT_RUNTIME/waiting"
fi

ENVKIT_BASE_URL=${ENVKIT_BASE_URL:-/}
ENVKIT_NAME=${ENVKIT_NAME:-envkit}
export ENVKIT_RUNTIME ENVKIT_SECRETS ENVKIT_BASE_URL ENVKIT_NAME
[ -w "$HOME" ] || echo "envkit: $HOME is not writable for uid $uid: settings will not be kept" >&2

umask 002
exec /opt/envkit/jupyter/bin/python -I -c 'import sys; sys.path.append("/opt/envkit"); from probes.supervise import main; main()' \
    -n -c /opt/envkit/etc/supervisord.conf

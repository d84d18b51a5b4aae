#!/bin/sh
# Start code-server: behind Jupyter's login on a unix socket (`inner`), or at its own door (`outer`).
set -eu
umask 077
# VS Code puts its own sockets there: a folder that nobody else may enter.
export XDG_RUNTIME_DIR="$ENVKIT_RUNTIME"

door=$1
guard=
set -- \
    --user-data-dir "$HOME/.local/share/code-server" \
    --session-socket "$ENVKIT_RUNTIME/code-server-$door.ipc.sock" \
    --cookie-suffix "$ENVKIT_NAME" \
    --disable-telemetry \
    --disable-update-check \
    --disable-getting-started-override \
    --disable-workspace-trust \
    --ignore-last-opened

if [ "$door" = outer ]; then
    config="$ENVKIT_SECRETS/code-server.yaml"
    printf 'auth: password\npassword: %s\n' "$(cat "$ENVKIT_SECRETS/code_server_password")" >"$config"
    guard="--require /opt/envkit/probes/own_door.js"
    set -- --config "$config" --bind-addr 0.0.0.0:8080 "$@"
else
    set -- --config /opt/envkit/etc/code-server.yaml --socket "$ENVKIT_RUNTIME/code-server.sock" --socket-mode 0600 "$@"
fi
# A process of nobody's: its parent is gone, and process 1 takes it in.
[ "$door" = outer ] ||
    (/opt/envkit/node/bin/node /opt/envkit/probes/warm.js "$ENVKIT_RUNTIME/code-server.sock" &)
umask 002
# shellcheck disable=SC2086  # $guard is nothing, or two words
exec /opt/envkit/bin/with-secrets /opt/envkit/node/bin/node $guard \
    /opt/envkit/code-server/out/node/entry.js "$@" /work/home

#!/bin/sh
# Start JupyterLab, the one door. What keeps others out stands on the command line: no file can undo it.
set -eu

export JUPYTER_TOKEN_FILE="$ENVKIT_SECRETS/jupyter_token"
# Jupyter writes its token and its kernels' keys there: into memory with them, not into a layer.
export JUPYTER_RUNTIME_DIR="$ENVKIT_SECRETS/jupyter"
export JUPYTER_CONFIG_PATH="/opt/envkit/etc/jupyter${JUPYTER_CONFIG_PATH:+:$JUPYTER_CONFIG_PATH}"

# Published beyond loopback: TLS, and one rule more about whose Host is known. Without the files it does not start.
program="-m jupyterlab"
set --
if [ -n "${ENVKIT_TLS:-}" ]; then
    program=/opt/envkit/probes/jupyter_door.py
    set -- --ServerApp.certfile="$ENVKIT_SECRETS/tls.crt" --ServerApp.keyfile="$ENVKIT_SECRETS/tls.key"
fi

# -I: the tools' Python looks neither at PYTHONPATH nor at packages in the user's home; kernels still get both.
# -W: every start would list the endpoints that allow_unauthenticated_access=False closes.
# shellcheck disable=SC2086  # $program is one word or two
exec /opt/envkit/bin/with-secrets /opt/envkit/jupyter/bin/python -I \
    -W "ignore:Extension endpoints without" -W "ignore:Core endpoints without" $program \
    --allow-root \
    --no-browser \
    --ServerApp.ip=0.0.0.0 \
    --ServerApp.port=8888 \
    --ServerApp.port_retries=0 \
    --ServerApp.base_url="$ENVKIT_BASE_URL" \
    --ServerApp.root_dir=/work/home \
    --ServerApp.cookie_secret_file="$ENVKIT_SECRETS/jupyter_cookie_secret" \
    --ServerApp.allow_remote_access=False \
    --ServerApp.local_hostnames=localhost \
    --ServerApp.allow_origin= \
    --ServerApp.allow_origin_pat= \
    --ServerApp.allow_unauthenticated_access=False \
    --ServerApp.disable_check_xsrf=False \
    "$@"

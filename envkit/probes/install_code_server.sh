#!/bin/bash
# Put code-server at /opt/envkit/code-server, from the source that the plan names, and leave out what cannot serve.
# The plan is shell assignments: SOURCE VERSION URL SHA256 INTEGRITY FILE.
set -euo pipefail

context=/run/envkit/code-server
# shellcheck source=/dev/null
source "$context/plan.sh"
target=/opt/envkit/code-server
# Programs of GitHub Copilot and of Microsoft's sandbox: they call their makers' services. 418 MB of 945 in 4.138.0.
unwanted=(@github/copilot @github/copilot-sdk @microsoft/mxc-sdk)
export PATH="/opt/build/bin:/opt/envkit/node/bin:$PATH"

fetch() { # URL FILE
    python3 -I -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(answer, file)' "$1" "$2"
}

unpack_release() { # FILE
    echo "$SHA256  $1" | sha256sum --check --quiet || { echo "envkit-assert: $1 is not the file that was planned (sha256 $SHA256)"; exit 1; }
    install -d "$target"
    tar --extract --gzip --file "$1" --strip-components 1 --no-same-owner --directory "$target"
}

# Print the modules to leave out. Copilot's agents alone load sqlite3, and compiling it takes most of npm's minutes;
# where something else loads it, it stays.
left_out() {
    printf '%s\n' "${unwanted[@]}"
    loaders=$(grep --recursive --files-with-matches "[\"']@vscode/sqlite3[\"'][^:]" "$target/lib/vscode/out") || true
    [[ $loaders == *$'\n'* || $loaders != */agentHostMain.js ]] || echo @vscode/sqlite3
}

# A release brings the Node that its modules were built for: that one becomes the tools' Node.
take_its_node() {
    [ ! -x "$target/lib/node" ] || mv "$target/lib/node" /opt/envkit/node/bin/node
}

case "$SOURCE" in
release)
    # A mirror has the release page's last two parts: vX/FILE.
    [ -z "${ENVKIT_RELEASES_URL:-}" ] || URL="$ENVKIT_RELEASES_URL/v$VERSION/${URL##*/}"
    fetch "$URL" /tmp/code-server.tar.gz
    unpack_release /tmp/code-server.tar.gz
    take_its_node
    ;;
file)
    unpack_release "$context/$FILE"
    take_its_node
    ;;
npm)
    # npm_config_nodedir: Node's headers are at hand; node-gyp would fetch them from elsewhere.
    export npm_config_nodedir=/opt/build/node npm_config_cache=/var/cache/envkit/npm
    cd /tmp
    npm pack --silent "code-server@$VERSION"
    python3 -I - "code-server-$VERSION.tgz" "$INTEGRITY" <<'PY'
import base64, hashlib, sys
path, wanted = sys.argv[1:]
with open(path, "rb") as file:
    found = "sha512-" + base64.b64encode(hashlib.sha512(file.read()).digest()).decode()
if wanted and found != wanted:
    sys.exit(f"envkit-assert: {path} is not the file that was planned: {found} instead of {wanted}")
PY
    install -d "$target"
    tar --extract --gzip --file "code-server-$VERSION.tgz" --strip-components 1 --no-same-owner --directory "$target"
    cd "$target/lib/vscode"
    left_out | sed 's/^/dependencies./' | xargs npm pkg delete
    cd "$target"
    # JOBS=max: node-gyp compiles one file at a time unless it is told otherwise.
    JOBS=max npm install --omit=dev --no-audit --no-fund --loglevel=warn
    ;;
script)
    fetch "${ENVKIT_INSTALL_SCRIPT_URL:-$URL}" /tmp/install.sh
    HOME=/tmp sh /tmp/install.sh --method=standalone --prefix=/tmp/standalone
    mv /tmp/standalone/lib/code-server-* "$target"
    take_its_node
    ;;
esac

# Left out as well: builds for other systems, and what compiling left behind.
cd "$target/lib/vscode"
left_out | sed 's,^,node_modules/,' | xargs rm -rf extensions/copilot
rm -rf node_modules/@github/copilot*
platform=linux-$(/opt/envkit/node/bin/node -p process.arch)
find "$target" \( -path '*/prebuilds/*' -o -path '*/ripgrep-universal/bin/*' \) -type d ! -name "$platform" \
    \( -name 'linux-*' -o -name 'darwin-*' -o -name 'win32-*' -o -name 'ios-*' -o -name 'android-*' \) -prune -exec rm -rf {} +
find "$target" -type d \( -path '*/build/Release/obj.target' -o -path '*/build/Release/obj' -o -path '*/build/Release/.deps' \) \
    -prune -exec rm -rf {} +
find "$target" -type f \( -name '*.map' -o -name '*.a' -o -name '*.o' \) -delete
rm -rf node_modules/@vscode/sqlite3/deps node_modules/node-pty/third_party

/opt/envkit/node/bin/node "$target/out/node/entry.js" --version

#!/bin/bash
# Put code-server at /opt/envkit/code-server, from the source that the plan names, and leave out what cannot serve.
# The plan is shell assignments: SOURCE VERSION URL SHA256 INTEGRITY FILE.
set -euo pipefail

here=/run/envkit/code-server
# shellcheck source=/dev/null
source "$here/plan.sh"
target=/opt/envkit/code-server
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

# A release brings the Node that its modules were built for: that one becomes the tools' Node.
take_its_node() {
    [ ! -x "$target/lib/node" ] || mv "$target/lib/node" /opt/envkit/node/bin/node
}

case "$SOURCE" in
release)
    fetch "$URL" /tmp/code-server.tar.gz
    unpack_release /tmp/code-server.tar.gz
    take_its_node
    ;;
file)
    unpack_release "$here/$FILE"
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
    cd "$target"
    npm install --omit=dev --no-audit --no-fund --loglevel=warn
    ;;
script)
    fetch "$URL" /tmp/install.sh
    HOME=/tmp sh /tmp/install.sh --method=standalone --prefix=/tmp/standalone
    mv /tmp/standalone/lib/code-server-* "$target"
    take_its_node
    ;;
esac

# Left out: programs of GitHub Copilot and of Microsoft's sandbox (they call their makers' services), builds for other
# systems, and what compiling left behind. 418 MB of 945 in 4.138.0 are @github alone.
cd "$target/lib/vscode"
rm -rf node_modules/@github/copilot* node_modules/@microsoft/mxc-sdk extensions/copilot
here=linux-$(/opt/envkit/node/bin/node -p process.arch)
find "$target" \( -path '*/prebuilds/*' -o -path '*/ripgrep-universal/bin/*' \) -type d ! -name "$here" \
    \( -name 'linux-*' -o -name 'darwin-*' -o -name 'win32-*' -o -name 'ios-*' -o -name 'android-*' \) -prune -exec rm -rf {} +
find "$target" -type d \( -path '*/build/Release/obj.target' -o -path '*/build/Release/obj' -o -path '*/build/Release/.deps' \) \
    -prune -exec rm -rf {} +
find "$target" -type f \( -name '*.map' -o -name '*.a' -o -name '*.o' \) -delete
rm -rf node_modules/@vscode/sqlite3/deps node_modules/node-pty/third_party

/opt/envkit/node/bin/node "$target/out/node/entry.js" --version

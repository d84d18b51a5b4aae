// What code-server lacks at its own door: a Host check (DNS rebinding), TLS by our rules, cookies that scripts cannot read.
// Loaded before code-server (`--require`); its extension hosts load it too, and there it does nothing.
"use strict";
const fs = require("fs");
const http = require("http");
const https = require("https");
const net = require("net");
const path = require("path");

const DOOR = 8080;
const guards = new WeakSet();
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

function known() {
    const listed = process.env.ENVKIT_TLS ? secret("hostnames").toString().split(/\s+/) : [];
    return new Set([...LOOPBACK, ...listed].filter(Boolean));
}

function secret(name) {
    return fs.readFileSync(path.join(process.env.ENVKIT_SECRETS, name));
}

function hostOf(request) {
    const host = (request.headers.host || "").toLowerCase().replace(/:\d+$/, "");
    return host.replace(/^\[|\]$/g, "");
}

function shut(answer) {
    if (answer instanceof http.ServerResponse) {
        answer.writeHead(403, { "Content-Type": "text/plain", Connection: "close" });
        answer.end("this door does not answer to that host name\n");
    } else {
        answer.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"); // an upgrade's socket
    }
}

function hideCookies(answer) {
    const set = answer.setHeader;
    const more = "; HttpOnly" + (process.env.ENVKIT_TLS ? "; Secure" : "");
    answer.setHeader = function (name, value) {
        const cookies = name.toLowerCase() === "set-cookie";
        return set.call(this, name, cookies ? [].concat(value).map((one) => one + more) : value);
    };
}

function guarded(server) {
    const hosts = known();
    const emit = server.emit;
    guards.add(server);
    server.emit = function (event, request, answer, ...rest) {
        if (!["request", "upgrade", "connect", "checkContinue", "checkExpectation"].includes(event)) {
            return emit.call(this, event, request, answer, ...rest);
        }
        if (!hosts.has(hostOf(request))) {
            shut(answer);
            return true;
        }
        if (event === "request") hideCookies(answer);
        return emit.call(this, event, request, answer, ...rest);
    };
    return server;
}

// Should a newer code-server make its server in another way, the door stays shut rather than unguarded.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...given) {
    const port = typeof given[0] === "object" && given[0] ? given[0].port : given[0];
    if (Number(port) === DOOR && !guards.has(this)) throw new Error("the door at 8080 would be unguarded");
    return listen.apply(this, given);
};

if (/\/code-server\/out\/node\/entry(\.js)?$/.test(process.argv[1] || "")) {
    const create = http.createServer;
    // The first server is the door; the second is a unix socket for VS Code's own command line.
    http.createServer = (...given) => {
        http.createServer = create;
        const tls = process.env.ENVKIT_TLS && { cert: secret("tls.crt"), key: secret("tls.key") };
        return guarded(tls ? https.createServer(tls, ...given) : create(...given));
    };
}

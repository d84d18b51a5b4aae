// Ask code-server for its page once, so that VS Code is loaded by then: otherwise the user's first request waits for it.
const http = require("http");

const TRIES = 200; // 10 s, every 50 ms: code-server listens about 1 s after its start
const [socketPath] = process.argv.slice(2);

function ask(left) {
  http
    .get({ socketPath, path: "/?folder=/work/home" }, (answer) => answer.resume())
    .on("error", () => left > 0 && setTimeout(ask, 50, left - 1));
}

ask(TRIES);

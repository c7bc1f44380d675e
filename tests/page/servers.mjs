// Two tiny servers on this machine: a stranger's page with a frame in it, and the built site under other headers.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".toml": "application/toml" };

async function listen(answer) {
  const server = createServer(answer);
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const attribute = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

/** A page that holds `address` in a frame. */
export function serveFrame(address, sandbox) {
  const limits = sandbox === undefined ? "" : ` sandbox="${attribute(sandbox)}"`;
  const page = `<!DOCTYPE html><html lang="en"><head><title>A blog</title><link rel="icon" href="data:,"></head>
<body><h1>A blog</h1><iframe title="Playground" width="1000" height="600" src="${attribute(address)}"${limits}></iframe></body></html>`;
  return listen((_, response) => response.setHeader("Content-Type", "text/html").end(page));
}

/** The built site, with these headers on every answer. */
export function serveSite(dist, headers) {
  return listen(async (request, response) => {
    const path = normalize(new URL(request.url, "http://site").pathname);
    const file = join(dist, path.endsWith("/") ? "index.html" : path);
    const body = await readFile(file).catch(() => null);
    response.writeHead(body ? 200 : 404, { ...headers, "Content-Type": KINDS[extname(file)] ?? "application/octet-stream" });
    response.end(body ?? "not found");
  });
}

// node:http server for the truth tests; same paths as server.go.
import { createServer, get } from "node:http";
import { appendFileSync } from "node:fs";

const [, , address, log] = process.argv;
const number = (path) => Number(path.slice(path.lastIndexOf("/") + 1)) || 0;

createServer((request, response) => {
  const path = request.url.split("?")[0];
  response.on("close", () =>
    appendFileSync(log, JSON.stringify({ method: request.method, target: request.url, status: response.statusCode }) + "\n"));
  if (path.startsWith("/echo")) request.pipe(response);
  else if (path.startsWith("/status/")) { response.statusCode = number(path); response.end(); }
  else if (path.startsWith("/bytes/")) { response.setHeader("Content-Length", number(path)); response.end(Buffer.alloc(number(path))); }
  else if (path.startsWith("/chunked/")) { const n = number(path); response.write(Buffer.alloc(n >> 1)); response.end(Buffer.alloc(n - (n >> 1))); }
  else if (path.startsWith("/slow/")) setTimeout(() => response.end(), number(path));
  else if (path.startsWith("/call")) get(new URL(request.url, "http://x").searchParams.get("url"), (answer) => answer.pipe(response));
  else response.end();
}).listen(address.startsWith("/") ? address : Number(address.split(":")[1]), address.startsWith("/") ? undefined : "127.0.0.1");

// Calls in the background, numbered, as a program of its own would poll something.
if (process.env.BACKGROUND_URL) {
  let n = 0;
  setInterval(() => get(process.env.BACKGROUND_URL + n++, (answer) => answer.resume()), 5);
}

// A grpc-js client: client.mjs PORT LOG [OPTION=VALUE]... < commands. One channel.
import grpc from "@grpc/grpc-js";
import { performance } from "node:perf_hooks";
import readline from "node:readline";

import { definition, Fields, Log, ms, service, sleep, Tally, unlimited } from "./common.mjs";

const [port, path, ...words] = process.argv.slice(2);
const log = new Log(path);
const pings = new Fields(words.join(" "), " ").number("keepalive");
const keepalive = pings ? { "grpc.keepalive_time_ms": pings } : {};
const Client = grpc.makeGenericClientConstructor(definition, service);
const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { ...unlimited, "grpc.enable_retries": 0, ...keepalive });

function metadata(batch, id) {
  const all = new grpc.Metadata();
  if (!batch.number("bare")) {
    all.set("x-id", String(id));
    all.set("x-reply", batch.text("reply"));
  }
  const fill = batch.number("metadata");
  if (fill) all.set("x-fill", "m".repeat(fill));
  if (batch.number("trace")) all.set("traceparent", `00-7e57${id.toString(16).padStart(28, "0")}-${(id + 1).toString(16).padStart(16, "0")}-01`);
  return all;
}

// Resolves to the status.
function start(batch, id, tally) {
  const name = batch.text("method");
  const message = () => tally.sent(Buffer.alloc(batch.number("size", 100) + batch.number("step") * id));
  const options = batch.number("deadline") ? { deadline: Date.now() + batch.number("deadline") } : {};
  return new Promise((resolve) => {
    const done = (error, answer) => { if (answer) tally.received(answer); };
    const first = [metadata(batch, id), options];
    const requestStream = name === "ClientStream" || name === "Bidi";
    const call = name === "Unary" ? client.Unary(message(), ...first, done)
      : name === "ServerStream" ? client.ServerStream(message(), ...first)
        : name === "ClientStream" ? client.ClientStream(...first, done) : client.Bidi(...first);
    if (name === "ServerStream" || name === "Bidi") {
      call.on("data", (answer) => tally.received(answer));
      call.on("error", () => {});
    }
    const cancel = batch.number("cancel") ? setTimeout(() => call.cancel(), batch.number("cancel")) : undefined;
    const ended = new AbortController();
    call.on("status", (status) => { clearTimeout(cancel); ended.abort(); resolve(status); });
    if (requestStream) {
      (async () => {
        for (let i = 0; i < batch.number("messages", 1); i++) {
          if (i) await sleep(batch.number("pause"), ended.signal);
          if (ended.signal.aborted) return;
          call.write(message());
        }
        call.end();
      })();
    }
  });
}

async function call(batch, id) {
  const tally = new Tally();
  const wall = BigInt(Date.now()) * 1000000n, since = performance.now();
  const status = await start(batch, id, tally);
  const took = ms(since);
  if (batch.number("log", 1)) {
    log.write({ id, method: `${service}/${batch.text("method")}`, status: status.code, text: status.details, start_ns: Number(wall), ms: took, ...tally.entry });
  }
  return status.code === 0;
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const batch = new Fields(line, " ");
  const count = batch.number("count", 1), from = batch.number("first");
  let next = 0, good = 0;
  await Promise.all(Array.from({ length: batch.number("concurrency", 1) }, async () => {
    while (next < count) {
      const right = await call(batch, from + next++);
      good += right;
    }
  }));
  console.log("done", count, good);
}
client.close();

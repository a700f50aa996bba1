// A grpc-js server: server.mjs PORT LOG. SIGTERM ends it when its calls have ended.
import grpc from "@grpc/grpc-js";
import { performance } from "node:perf_hooks";

import { definition, Fields, Log, ms, service, sleep, Tally, unlimited } from "./common.mjs";

const [port, path] = process.argv.slice(2);
const log = new Log(path);

// Answers one call as its x-reply header says. `answer` is called with (status or null, trailers, message or undefined).
class Call {
  constructor(name, call) {
    this.name = name;
    this.call = call;
    this.id = call.metadata.get("x-id")[0] ?? "";
    this.reply = new Fields(call.metadata.get("x-reply")[0] ?? "", ",");
    this.start = performance.now();
    this.tally = new Tally();
    this.gone = new AbortController();
    call.on("cancelled", () => { this.gone.abort(); this.write(1); });
  }

  write(status) {
    if (this.written || this.id === "") return;
    this.written = true;
    log.write({ id: this.id, method: `${service}/${this.name}`, status, ms: ms(this.start), ...this.tally.entry });
  }

  message() { return this.tally.sent(Buffer.alloc(this.reply.number("size", 100))); }

  async before(requests) {
    for await (const message of requests) this.tally.received(message);
    await sleep(this.reply.number("delay"), this.gone.signal);
    const fill = this.reply.number("metadata");
    if (fill && !this.gone.signal.aborted) {
      const metadata = new grpc.Metadata();
      metadata.set("x-fill", "m".repeat(fill));
      this.call.sendMetadata(metadata);
    }
  }

  end(trailersOnly) {
    const trailers = new grpc.Metadata();
    const fill = this.reply.number("trailers");
    if (fill) trailers.set("x-fill", "t".repeat(fill));
    const code = this.reply.number("status");
    this.write(code);
    trailersOnly(code ? { code, details: this.reply.text("text") + " ü%", metadata: trailers } : null, trailers);
  }

  async one(requests, callback) {
    let answer;
    if (!this.reply.number("early")) {
      await this.before(requests);
      if (this.gone.signal.aborted) return;
      if (this.reply.number("messages", 1)) answer = this.message();
    }
    this.end((error, trailers) => callback(error, answer, trailers));
  }

  endStream() {
    if (this.gone.signal.aborted) return;
    this.end((error, trailers) => (error ? this.call.emit("error", error) : this.call.end(trailers)));
  }

  async many() {
    if (!this.reply.number("early")) {
      await this.before([this.call.request]);
      for (let i = 0; i < this.reply.number("messages", 1) && !this.gone.signal.aborted; i++) {
        if (i) await sleep(this.reply.number("pause"), this.gone.signal);
        if (!this.gone.signal.aborted) this.call.write(this.message());
      }
    }
    this.endStream();
  }

  each() {
    if (this.reply.number("early")) return this.endStream();
    this.call.on("data", (message) => {
      this.tally.received(message);
      this.call.write(this.message());
    });
    this.call.on("end", () => this.endStream());
  }
}

const server = new grpc.Server({ ...unlimited, "grpc.keepalive_time_ms": 1000 });
server.addService(definition, {
  Unary: (call, callback) => new Call("Unary", call).one([call.request], callback),
  ClientStream: (call, callback) => new Call("ClientStream", call).one(call, callback),
  ServerStream: (call) => new Call("ServerStream", call).many(),
  Bidi: (call) => new Call("Bidi", call).each(),
});
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => { if (error) throw error; });
process.on("SIGTERM", () => server.tryShutdown(() => process.exit(0)));

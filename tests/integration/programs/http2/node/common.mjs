// What the server and the client share. ../truth.md says what they log and how they are told what to do.
import fs from "node:fs";
import { performance } from "node:perf_hooks";

export const service = "wirespan.test.Truth";

const asIs = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/${service}/${name}`, requestStream, responseStream,
  requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs,
});
export const definition = {
  Unary: method("Unary", false, false),
  ClientStream: method("ClientStream", true, false),
  ServerStream: method("ServerStream", false, true),
  Bidi: method("Bidi", true, true),
};

export const unlimited = {
  "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1, "grpc-node.max_session_memory": 100,
};

// Words "name=value".
export class Fields {
  constructor(text, between) {
    this.all = new Map(text.split(between).filter((w) => w.includes("=")).map((w) => [w.slice(0, w.indexOf("=")), w.slice(w.indexOf("=") + 1)]));
  }
  text(name) { return this.all.get(name) ?? ""; }
  number(name, otherwise = 0) { return this.all.has(name) ? Number(this.all.get(name)) : otherwise; }
}

export class Tally {
  entry = { received_messages: 0, received_bytes: 0, sent_messages: 0, sent_bytes: 0 };
  received(message) { this.entry.received_messages++; this.entry.received_bytes += message.length; }
  sent(message) { this.entry.sent_messages++; this.entry.sent_bytes += message.length; return message; }
}

export class Log {
  constructor(path) { this.file = fs.openSync(path, "w"); }
  write(entry) { fs.writeSync(this.file, JSON.stringify(entry) + "\n"); }
}

export const ms = (since) => performance.now() - since;
export const sleep = (duration, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, duration);
  signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

// A release gateway with a store, on free ports and in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const program = join(process.env.WIRESPAN_BIN ?? join(root, 'build', 'bin'), 'wirespan-gateway');

/** A port that nothing listens on, below those that the kernel gives to clients. */
async function freePort() {
  for (;;) {
    const port = 12000 + Math.floor(Math.random() * 20000);
    const free = await new Promise((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

export async function waitFor(what, condition, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function answers(url) {
  try {
    return (await fetch(url)).status < 500;
  } catch {
    return false;
  }
}

export class Gateway {
  static async start() {
    const gateway = new Gateway();
    gateway.folder = await mkdtemp(join(tmpdir(), 'wirespan-browser-'));
    [gateway.grpc, gateway.http, gateway.query, gateway.metrics, gateway.health] = await Promise.all([1, 2, 3, 4, 5].map(freePort));
    await writeFile(
      join(gateway.folder, 'gateway.yaml'),
      `receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:${gateway.grpc}"}
      http: {endpoint: "127.0.0.1:${gateway.http}"}
exporters:
  store: {directory: ${join(gateway.folder, 'store')}, query: {endpoint: "127.0.0.1:${gateway.query}"}}
extensions:
  health_check: {endpoint: "127.0.0.1:${gateway.health}"}
service:
  extensions: [health_check]
  telemetry: {metrics: {address: "127.0.0.1:${gateway.metrics}"}}
  pipelines:
    traces: {receivers: [otlp], exporters: [store]}
    metrics: {receivers: [otlp], exporters: [store]}
`,
    );
    gateway.said = '';
    gateway.process = spawn(program, ['--config', join(gateway.folder, 'gateway.yaml')], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [gateway.process.stdout, gateway.process.stderr]) stream.on('data', (text) => (gateway.said += text));
    gateway.process.on('error', (error) => (gateway.said += error.message));
    gateway.ended = new Promise((resolve) => gateway.process.on('exit', resolve));
    await waitFor('the gateway', async () => {
      if (gateway.process.exitCode !== null) throw new Error(`the gateway ended: ${gateway.said}`);
      return (await answers(`http://127.0.0.1:${gateway.query}/api/services`)) && (await answers(`http://127.0.0.1:${gateway.health}/`));
    });
    return gateway;
  }

  get url() {
    return `http://127.0.0.1:${this.query}`;
  }

  async ask(path) {
    return (await fetch(this.url + path)).json();
  }

  rssMib() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))[1]) / 1024;
  }

  async end() {
    this.process.kill('SIGTERM');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

// A trace of very many spans, and traffic between very many services.
import { hex, random, span } from './span.mjs';

/** Exactly `count` spans in one trace: a batch whose steps call others, some deep, some wide. */
export function largeTrace(seed, count, start_us) {
  const next = random(seed);
  const trace = hex(next, 32);
  const services = ['batch', 'loader', 'parser', 'index', 'cache', 'writer', 'notify'];
  const entries = [];
  const open = [];
  const length = 40e6;
  for (let at = 0; at < count; at++) {
    const deep = open.length > 0 && next() < 0.35 ? open[open.length - 1] : open[Math.floor(next() ** 2 * open.length)];
    const parent = deep && deep.depth < 30 ? deep : open[0];
    const from = parent ? parent.start + (parent.length * (at % 97)) / 130 : start_us;
    const lasts = parent ? Math.max(20, parent.length * (0.05 + next() * 0.2)) : length;
    const service = services[parent ? (parent.depth + 1 + Math.floor(next() * 2)) % services.length : 0];
    const id = hex(next, 16);
    const one = { id, start: from, length: lasts, depth: parent ? parent.depth + 1 : 0 };
    entries.push({
      service,
      node: `node-${(at % 5) + 1}`,
      span: span({
        trace, id, parent: parent?.id, name: `${service}.step ${at % 40}`, kind: parent ? 'internal' : 'server', start_us: from, duration_us: lasts,
        error: at % 701 === 700, tags: { 'batch.step': at, 'batch.file': `part-${at % 64}.csv` },
      }),
    });
    open.push(one);
    if (open.length > 400) open.splice(1 + Math.floor(next() * 300), 1);
  }
  return { trace, entries };
}

/** `count` services in tiers that call the tier below; each edge is used by some traces. */
export function manyServices(seed, count, end_us) {
  const next = random(seed);
  const tiers = [Math.ceil(count * 0.05), Math.ceil(count * 0.2), Math.ceil(count * 0.4)];
  tiers.push(count - tiers[0] - tiers[1] - tiers[2]);
  const names = ['edge', 'api', 'core', 'data'];
  const tier = tiers.map((size, level) => Array.from({ length: size }, (_, at) => `${names[level]}-${String(at + 1).padStart(3, '0')}`));
  const entries = [];
  const call = (trace, parent, client, service, level, at) => {
    const lasts = (4 - level) * 8000 + next() * 4000;
    const failed = next() < 0.02;
    const clientId = hex(next, 16);
    const serverId = hex(next, 16);
    const tags = { 'http.request.method': 'GET', 'http.response.status_code': failed ? 500 : 200, ...(failed ? { 'error.type': '500' } : {}) };
    if (client) entries.push({ service: client, span: span({ trace, id: clientId, parent, name: 'GET', kind: 'client', start_us: at, duration_us: lasts + 400, error: failed, tags }) });
    entries.push({ service, span: span({ trace, id: serverId, parent: client ? clientId : undefined, name: 'GET /', start_us: at + 200, duration_us: lasts, error: failed, tags }) });
    return serverId;
  };
  for (let level = 0; level < 3; level++) {
    const below = tier[level + 1];
    below.forEach((service, at) => {
      for (let times = 0; times < 1 + (at % 2); times++) {
        const trace = hex(next, 32);
        const client = tier[level][Math.floor((at / below.length) * tier[level].length + next() * 1.5) % tier[level].length];
        const start = end_us - 5e6 - next() * 200e6;
        const id = call(trace, null, null, client, level, start);
        call(trace, id, client, service, level + 1, start + 900);
      }
    });
  }
  return { services: tier.flat(), entries };
}

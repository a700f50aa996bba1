// The traffic of a small shop, as an agent on each of three hosts tells it: a browser asks the front, which asks others.
import { hex, random, span } from './span.mjs';

const nodes = { front: 'web-1', cart: 'app-1', catalog: 'app-1', payment: 'app-2', stock: 'app-2', mail: 'app-2' };

/** Who calls whom, and how long each takes by itself (ms). */
const plan = {
  front: {
    'GET /products': { own: 3, calls: [['catalog', 'GET /items']] },
    'GET /cart': { own: 2, calls: [['cart', 'GET /cart/{id}'], ['catalog', 'GET /items']] },
    'POST /order': { own: 5, calls: [['cart', 'GET /cart/{id}'], ['payment', 'shop.Payment/Charge'], ['stock', 'shop.Stock/Reserve'], ['mail', 'POST /send']] },
  },
  catalog: { 'GET /items': { own: 6, calls: [] } },
  cart: { 'GET /cart/{id}': { own: 4, calls: [['stock', 'shop.Stock/Check']] } },
  payment: { 'shop.Payment/Charge': { own: 38, calls: [] } },
  stock: { 'shop.Stock/Check': { own: 1.5, calls: [] }, 'shop.Stock/Reserve': { own: 7, calls: [] } },
  mail: { 'POST /send': { own: 12, calls: [] } },
};

const isRpc = (name) => name.startsWith('shop.');

function httpTags(name, kind, next, status) {
  const [method, route] = name.split(' ');
  const path = route.replace('{id}', String(Math.floor(next() * 9000)));
  return {
    'http.request.method': method,
    ...(kind === 'server' ? { 'http.route': route, 'url.path': path, 'url.scheme': 'http' } : { 'url.full': `http://shop.internal${path}` }),
    'http.response.status_code': status,
    'network.protocol.version': '1.1',
    'http.response.body.size': Math.floor(next() * 20000),
  };
}

function rpcTags(name, status) {
  return { 'rpc.system.name': 'grpc', 'rpc.method': name, 'rpc.response.status_code': status, 'wirespan.rpc.request.messages': 1 };
}

/** Both ends of one exchange and everything below it, starting at `at` (us); returns when it ended. */
function exchange(out, next, trace, parent, client, service, name, at, options) {
  const { own, calls } = plan[service][name];
  const spread = Math.exp((next() - 0.5) * 1.6) * (next() < 0.03 ? 12 : 1);
  const fails = options.fails === name || (name === 'shop.Payment/Charge' && next() < 0.06);
  const skew = service === 'stock' ? options.skew_us : 0;
  const wire = hex(next, 32);
  const wireTags = { 'wirespan.wire_id': wire };
  const clientId = hex(next, 16);
  const serverId = hex(next, 16);
  const transit = 120 + next() * 300;
  let cursor = at + transit + own * 400 * spread;
  let below = false;
  for (const [callee, operation] of calls) {
    const ended = exchange(out, next, trace, serverId, service, callee, operation, cursor, options);
    below ||= ended.failed;
    cursor = ended.at + 80 + next() * 300;
  }
  const failed = fails || below;
  const status = isRpc(name) ? (failed ? 'UNAVAILABLE' : 'OK') : failed ? 503 : 200;
  const end = cursor + own * 600 * spread;
  const of = (kind) => (isRpc(name) ? rpcTags(name, status) : httpTags(name, kind, next, status));
  const error = failed ? { 'error.type': String(status) } : {};
  const gap = options.gap === name ? { 'wirespan.incomplete': 'hpack,response_body', 'wirespan.inferred': 'end_time' } : {};
  out.push({
    service: client,
    node: nodes[client] ?? 'desk-7',
    span: span({
      trace, id: clientId, parent, name: isRpc(name) ? name : name.split(' ')[0], kind: 'client', start_us: at,
      duration_us: end + transit - at, error: failed,
      tags: { ...of('client'), ...wireTags, ...error, ...(parent ? { 'wirespan.parent.method': 'thread' } : {}), 'server.address': `${service}.shop.internal`, 'server.port': 8080 },
    }),
  });
  out.push({
    service,
    node: nodes[service],
    span: span({
      trace, id: serverId, parent: clientId, name, kind: 'server', start_us: at + transit + skew, duration_us: end - at - transit,
      error: failed, message: fails ? 'upstream connect error' : undefined,
      tags: { ...of('server'), ...wireTags, ...error, ...gap, 'wirespan.parent.method': 'wire', 'client.address': '10.4.0.17' },
      events: fails ? [{ at_us: end - 200, name: 'exception', tags: { 'exception.type': 'ConnectError', 'exception.message': 'no healthy upstream' } }] : [],
    }),
  });
  return { at: end + transit, failed };
}

/** One request of a user. */
export function order(seed, start_us, name = 'POST /order', options = {}) {
  const next = random(seed);
  next();
  const trace = hex(next, 32);
  const out = [];
  exchange(out, next, trace, null, 'browser', 'front', name, start_us, { skew_us: 0, ...options });
  return { trace, entries: out };
}

/** So many requests over so many seconds up to `end_us`. */
export function traffic(seed, requests, seconds, end_us) {
  const next = random(seed);
  const names = Object.keys(plan.front);
  const entries = [];
  for (let at = 0; at < requests; at++) {
    const start = end_us - (1 - at / requests) * seconds * 1e6 - 3e6 + next() * 2e5;
    entries.push(...order(seed * 7919 + at * 31 + 1, start, names[Math.floor(next() ** 1.6 * names.length)]).entries);
  }
  return entries;
}

// Both ends of an exchange, side by side: what they agree on once, what they see differently marked.
import type { Tag } from '../../api/jaeger';
import { duration } from '../../format/duration';
import { skewOf, type Exchange } from '../../model/exchange';
import type { Span } from '../../model/trace';
import { Time } from '../../ui/names';

const hidden = new Set(['span.kind', 'wirespan.wire_id', 'otel.scope.name', 'otel.scope.version']);

function byKey(tags: Tag[]): Map<string, string> {
  return new Map(tags.filter((tag) => !hidden.has(tag.key)).map((tag) => [tag.key, String(tag.value)]));
}

function Between({ exchange }: { exchange: Exchange }) {
  const { client, server } = exchange;
  const there = server.start_us - client.start_us;
  const back = client.end_us - server.end_us;
  const skew = skewOf(exchange);
  return (
    <>
      <tr>
        <th scope="row">request under way</th>
        <td colSpan={2} class={there < -1 ? 'warn' : ''}>
          {duration(there)}
        </td>
      </tr>
      <tr>
        <th scope="row">answer under way</th>
        <td colSpan={2} class={back < -1 ? 'warn' : ''}>
          {duration(back)}
        </td>
      </tr>
      {skew.shift_us !== 0 && (
        <tr>
          <th scope="row">clocks</th>
          <td colSpan={2} class="warn">
            {server.node || server.service} is {duration(Math.abs(skew.shift_us))} or more{' '}
            {skew.shift_us > 0 ? 'behind' : 'ahead of'} {client.node || client.service}
          </td>
        </tr>
      )}
      {skew.longer && (
        <tr>
          <th scope="row">clocks</th>
          <td colSpan={2} class="warn">
            The server’s end lasted longer than the client’s: the client gave up or did not see the end
          </td>
        </tr>
      )}
    </>
  );
}

export function ExchangeTable({
  exchange,
  onSelect,
}: {
  exchange: Exchange;
  onSelect: (span: Span) => void;
}) {
  const { client, server } = exchange;
  const left = byKey(client.tags);
  const right = byKey(server.tags);
  const keys = [...new Set([...left.keys(), ...right.keys()])].sort();
  const end = (span: Span, side: string) => (
    <th scope="col">
      <button class="plain" type="button" onClick={() => onSelect(span)}>
        {side}
      </button>
      <span class="dim">{span.service}</span>
      {span.node && <span class="dim">{span.node}</span>}
    </th>
  );
  const row = (name: string, one: string | undefined, other: string | undefined) => {
    const same = one === other;
    return (
      <tr key={name} class={same ? '' : 'differs'}>
        <th scope="row">{name}</th>
        {same ? (
          <td colSpan={2}>{one}</td>
        ) : (
          <>
            <td>{one ?? <span class="dim">–</span>}</td>
            <td>{other ?? <span class="dim">–</span>}</td>
          </>
        )}
      </tr>
    );
  };
  return (
    <table class="tags ends">
      <thead>
        <tr>
          <th scope="col">
            <span class="sr-only">Attribute</span>
          </th>
          {end(client, 'Client')}
          {end(server, 'Server')}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">started</th>
          <td>
            <Time us={client.start_us} digits={6} />
          </td>
          <td>
            <Time us={server.start_us} digits={6} />
          </td>
        </tr>
        {row('duration', duration(client.duration_us), duration(server.duration_us))}
        <Between exchange={exchange} />
        {keys.map((key) => row(key, left.get(key), right.get(key)))}
      </tbody>
    </table>
  );
}

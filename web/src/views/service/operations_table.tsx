import type { OperationRates } from '../../api/rates';
import { duration } from '../../format/duration';
import { count, percent, rate } from '../../format/number';
import { errorShare } from '../../model/graph';
import { change, linkHere, usePlace } from '../../route';

const orders: Record<string, (one: OperationRates) => number> = {
  count: (one) => one.count,
  errors: errorShare,
  p50: (one) => one.p50_us,
  p95: (one) => one.p95_us,
  p99: (one) => one.p99_us,
};
const kFirst = 25;

export function OperationsTable({ operations, seconds }: { operations: OperationRates[]; seconds: number }) {
  const { params } = usePlace();
  const sort = params.get('sort') ?? 'count';
  const chosen = `${params.get('operation') ?? ''}\n${params.get('kind') ?? ''}`;
  const all = params.get('all') === 'true';
  const order = orders[sort] ?? errorShare;
  const sorted = [...operations].sort((one, other) => order(other) - order(one));
  const heading = (key: string, text: string) => (
    <th class="num" aria-sort={sort === key ? 'descending' : undefined}>
      <button type="button" onClick={() => change({ sort: key === 'count' ? null : key }, 'replace')}>
        {text}
        {sort === key ? ' ↓' : ''}
      </button>
    </th>
  );
  return (
    <section class="card scroll-x">
      <header>
        <h2>Operations</h2>
        <span class="note">choose one to see it alone</span>
      </header>
      <table class="table">
        <thead>
          <tr>
            <th>Operation</th>
            <th>Kind</th>
            {heading('count', 'Exchanges')}
            <th class="num">Rate</th>
            {heading('errors', 'Failed')}
            {heading('p50', 'p50')}
            {heading('p95', 'p95')}
            {heading('p99', 'p99')}
          </tr>
        </thead>
        <tbody>
          {(all ? sorted : sorted.slice(0, kFirst)).map((one) => {
            const active = chosen === `${one.operation}\n${one.kind}`;
            return (
              <tr key={`${one.operation} ${one.kind}`} class={active ? 'active' : ''}>
                <td>
                  <a
                    href={linkHere(
                      active ? { operation: null, kind: null } : { operation: one.operation, kind: one.kind },
                    )}
                  >
                    {one.operation}
                  </a>
                </td>
                <td class="dim">{one.kind}</td>
                <td class="num">{count(one.count)}</td>
                <td class="num">{rate(one.count / seconds)}</td>
                <td class={one.errors ? 'num bad' : 'num'}>{percent(errorShare(one))}</td>
                <td class="num">{duration(one.p50_us)}</td>
                <td class="num">{duration(one.p95_us)}</td>
                <td class="num">{duration(one.p99_us)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {!all && sorted.length > kFirst && (
        <div class="more">
          <button class="button small" type="button" onClick={() => change({ all: 'true' }, 'replace')}>
            Show the other {count(sorted.length - kFirst)}
          </button>
        </div>
      )}
    </section>
  );
}

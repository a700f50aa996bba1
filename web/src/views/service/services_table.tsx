import { serviceRates, type ServiceRates } from '../../api/rates';
import { useQuery } from '../../api/use_query';
import { duration } from '../../format/duration';
import { count, percent, rate } from '../../format/number';
import { errorShare } from '../../model/graph';
import { rangeKey, rangeNow } from '../../range';
import { change, linkTo, usePlace } from '../../route';
import { ServiceName } from '../../ui/names';
import { Empty, Failed, Loading } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { Typed } from '../../ui/typed';

const orders: Record<string, (one: ServiceRates) => number> = {
  count: (one) => one.count,
  errors: errorShare,
  p50: (one) => one.p50_us,
  p95: (one) => one.p95_us,
  p99: (one) => one.p99_us,
};

export function ServicesTable() {
  useTitle('Services');
  const { params } = usePlace();
  const range = rangeNow(params);
  const seconds = (range.end_us - range.start_us) / 1e6;
  const answer = useQuery(`services ${rangeKey(params)}`, (signal) => serviceRates(rangeNow(), signal), {
    every_ms: range.last ? 10000 : 0,
  });
  if (answer.error && !answer.data)
    return <Failed heading="Services" error={answer.error} again={answer.again} />;
  if (!answer.data) return <Loading heading="Services" what="services" />;
  if (answer.data.length === 0) {
    return (
      <Empty heading="Services" title="No service was seen in this stretch of time">
        <p>Look at a longer stretch (top right), or see in Coverage what the agents observe.</p>
        <a class="button" href={linkTo('/coverage')}>
          Coverage
        </a>
      </Empty>
    );
  }
  const sort = params.get('sort') ?? 'count';
  const order = orders[sort] ?? errorShare;
  const find = (params.get('find') ?? '').toLowerCase();
  const rows = answer.data
    .filter((one) => one.service.toLowerCase().includes(find))
    .sort((one, other) => order(other) - order(one));
  const heading = (key: string, text: string) => (
    <th class="num" aria-sort={sort === key ? 'descending' : undefined}>
      <button type="button" onClick={() => change({ sort: key === 'count' ? null : key }, 'replace')}>
        {text}
        {sort === key ? ' ↓' : ''}
      </button>
    </th>
  );
  return (
    <div class="page">
      <div class="head">
        <h1>Services</h1>
        <span class="dim">{count(answer.data.length)}</span>
        <div class="spread find">
          <Typed
            label="Find a service"
            value={params.get('find') ?? ''}
            onValue={(value, first) => change({ find: value }, first ? 'push' : 'replace')}
          />
        </div>
      </div>
      <div class="card scroll-x">
        <table class="table">
          <thead>
            <tr>
              <th>Service</th>
              {heading('count', 'Exchanges')}
              <th class="num">Rate</th>
              {heading('errors', 'Failed')}
              {heading('p50', 'p50')}
              {heading('p95', 'p95')}
              {heading('p99', 'p99')}
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <tr key={one.service}>
                <td>
                  <ServiceName name={one.service} href={linkTo('/service', { name: one.service })} />
                </td>
                {one.count > 0 ? (
                  <>
                    <td class="num">{count(one.count)}</td>
                    <td class="num">{rate(one.count / seconds)}</td>
                    <td class={one.errors ? 'num bad' : 'num'}>{percent(errorShare(one))}</td>
                    <td class="num">{duration(one.p50_us)}</td>
                    <td class="num">{duration(one.p95_us)}</td>
                    <td class="num">{duration(one.p99_us)}</td>
                  </>
                ) : (
                  <td class="dim num" colSpan={6}>
                    only calls others
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

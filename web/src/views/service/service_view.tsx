import './service.css';
import { operationRates, series, serviceRates, type Rates } from '../../api/rates';
import { useQuery } from '../../api/use_query';
import { duration } from '../../format/duration';
import { count, percent, rate } from '../../format/number';
import { errorShare } from '../../model/graph';
import { stepFor } from '../../model/buckets';
import { rangeKey, rangeNow, type Range } from '../../range';
import { linkHere, linkTo, usePlace } from '../../route';
import { ServiceName } from '../../ui/names';
import { Empty, Failed, Loading } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { Exchanges } from './exchanges';
import { OperationsTable } from './operations_table';
import { ServiceCharts } from './service_charts';
import { ServicesTable } from './services_table';

const kEvery_ms = 10000;

function Figures({ rates, seconds }: { rates: Rates; seconds: number }) {
  const figure = (name: string, value: string, bad = false) => (
    <div>
      <dt>{name}</dt>
      <dd class={bad ? 'bad' : ''}>{value}</dd>
    </div>
  );
  return (
    <dl class="figures wide">
      {figure('Exchanges', count(rates.count))}
      {rates.from_metrics > 0 && figure('Without a span', percent(rates.from_metrics / rates.count))}
      {figure('Rate', rate(rates.count / seconds))}
      {figure('Failed', `${percent(errorShare(rates))}`, rates.errors > 0)}
      {figure('p50', duration(rates.p50_us))}
      {figure('p95', duration(rates.p95_us))}
      {figure('p99', duration(rates.p99_us))}
    </dl>
  );
}

function One({ name }: { name: string }) {
  useTitle(name);
  const { params } = usePlace();
  const operation = params.get('operation') ?? '';
  const kind = params.get('kind') ?? '';
  const range: Range = rangeNow(params);
  const seconds = (range.end_us - range.start_us) / 1e6;
  const every = { every_ms: range.last ? kEvery_ms : 0 };
  const key = `${name}\n${rangeKey(params)}`;
  const all = useQuery(
    `service ${key}`,
    async (signal) => {
      const now = rangeNow();
      const [services, operations] = await Promise.all([
        serviceRates(now, signal),
        operationRates(name, now, signal),
      ]);
      return { rates: services.find((one) => one.service === name) ?? null, operations };
    },
    every,
  );
  const lines = useQuery(
    `series ${key}\n${operation}\n${kind}`,
    async (signal) => {
      const now = rangeNow();
      const of = { service: name, operation: operation || undefined, kind: kind || undefined };
      return {
        range: now,
        series: await series(of, now, stepFor(seconds, Date.now() / 1000 - now.start_us / 1e6), signal),
      };
    },
    every,
  );
  const chosen = operation
    ? (all.data?.operations.find((one) => one.operation === operation && (!kind || one.kind === kind)) ??
      null)
    : (all.data?.rates ?? null);
  return (
    <div class="page">
      <div class="head">
        <h1>
          <ServiceName name={name} />
        </h1>
        {operation && (
          <span class="chosen">
            {operation} <span class="dim">{kind}</span>
            <a class="button small" href={linkHere({ operation: null, kind: null })}>
              All operations
            </a>
          </span>
        )}
        <span class="spread links">
          <a class="button small" href={linkTo('/', { focus: name })}>
            On the map
          </a>
          <a class="button small" href={linkTo('/search', { service: name, operation })}>
            Traces
          </a>
          <a class="button small" href={linkTo('/live', { service: name, operation })}>
            Live
          </a>
        </span>
      </div>
      {chosen && chosen.count > 0 && <Figures rates={chosen} seconds={seconds} />}
      {lines.error ? (
        <Failed error={lines.error} again={lines.again} />
      ) : !lines.data ? (
        <Loading what="rates" />
      ) : lines.data.series.points.length === 0 ? (
        <Empty title="No exchanges in this stretch of time">
          <p>Look at a longer stretch (top right), or choose another operation below.</p>
        </Empty>
      ) : (
        <ServiceCharts
          series={lines.data.series}
          range={lines.data.range}
          of={{ service: name, operation }}
        />
      )}
      {all.error && !all.data ? (
        <Failed error={all.error} again={all.again} />
      ) : (
        all.data &&
        all.data.operations.length > 0 && (
          <OperationsTable operations={all.data.operations} seconds={seconds} />
        )
      )}
      {(all.data || all.error) && (
        <Exchanges of={{ service: name, operation, kind }} least_us={roughly(chosen?.p95_us ?? 0)} />
      )}
    </div>
  );
}

/** To two digits, downwards: a figure that is asked for anew each time must not change with each exchange. */
function roughly(us: number): number {
  if (us < 10) return 0;
  const unit = 10 ** (Math.floor(Math.log10(us)) - 1);
  return Math.floor(us / unit) * unit;
}

export function ServiceView() {
  const { params } = usePlace();
  const name = params.get('name');
  return name ? <One key={name} name={name} /> : <ServicesTable />;
}

import './live.css';
import { useState } from 'preact/hooks';
import { services } from '../../api/jaeger';
import type { LiveSpan } from '../../api/live';
import { useQuery } from '../../api/use_query';
import { duration, parseDuration } from '../../format/duration';
import { count } from '../../format/number';
import { change, linkTo, usePlace } from '../../route';
import { Icon } from '../../ui/icons';
import { ServiceName, Time } from '../../ui/names';
import { Select } from '../../ui/select';
import { Empty } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { Typed } from '../../ui/typed';
import { checkDuration } from '../search/question';
import { useLive, type Live } from './use_live';

function Row({ span }: { span: LiveSpan }) {
  return (
    <tr>
      <td class="num dim">
        <Time us={span.start_us} />
      </td>
      <td>
        <ServiceName name={span.service} />
      </td>
      <td class="operation-cell">
        <a href={linkTo(`/trace/${span.trace_id}`, { span: span.span_id })}>{span.operation}</a>
      </td>
      <td class="dim">{span.kind}</td>
      <td>
        {span.status ? (
          <span class={span.error ? 'pill bad' : 'pill'}>{span.status}</span>
        ) : (
          span.error && <span class="pill bad">failed</span>
        )}
      </td>
      <td class="num">{duration(span.duration_us)}</td>
      <td class="dim">{span.node}</td>
    </tr>
  );
}

function Form() {
  const { params } = usePlace();
  const names = useQuery('services', services);
  const typed = (name: string) => (value: string, first: boolean) =>
    change({ [name]: value }, first ? 'push' : 'replace');
  return (
    <form class="live-form card" onSubmit={(event) => event.preventDefault()}>
      <Select
        label="Service"
        value={params.get('service') ?? ''}
        choices={names.data ?? []}
        none="All services"
        onValue={(value) => change({ service: value })}
      />
      <Typed
        label="Operation"
        value={params.get('operation') ?? ''}
        placeholder="any"
        onValue={typed('operation')}
      />
      <Typed
        label="At least"
        value={params.get('min') ?? ''}
        placeholder="100ms"
        check={checkDuration}
        onValue={typed('min')}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={params.get('errors') === 'true'}
          onChange={(event) => change({ errors: event.currentTarget.checked ? 'true' : null })}
        />
        Errors only
      </label>
    </form>
  );
}

function State({ live, paused }: { live: Live; paused: boolean }) {
  if (live.state === 'waiting') return <span class="bad">The stream ended. Connecting again …</span>;
  if (live.state === 'connecting') return <span class="dim">Connecting …</span>;
  return (
    <>
      {paused ? <span class="dim">paused</span> : <span class="live-mark">listening</span>}
      <span class="dim">{count(live.seen)} arrived</span>
      {live.missed > 0 && <span class="dim">{count(live.missed)} since the pause</span>}
      {live.dropped > 0 && (
        <span class="pill warn" title="The gateway shows at most 200 a second">
          {count(live.dropped)} left out
        </span>
      )}
    </>
  );
}

export function LiveView() {
  useTitle('Live');
  const { params } = usePlace();
  const [paused, setPaused] = useState(false);
  const min = parseDuration(params.get('min') ?? '');
  const live = useLive(
    {
      service: params.get('service') ?? undefined,
      operation: params.get('operation') ?? undefined,
      min_duration_us: min === null ? undefined : Math.round(min),
      errors: params.get('errors') === 'true' || undefined,
    },
    paused,
  );
  return (
    <div class="page">
      <div class="head">
        <h1>Live</h1>
        <State live={live} paused={paused} />
        <button
          class="button small spread"
          type="button"
          aria-pressed={paused}
          onClick={() => setPaused(!paused)}
        >
          <Icon name={paused ? 'play' : 'pause'} size={14} /> {paused ? 'Go on' : 'Pause'}
        </button>
      </div>
      <Form />
      {live.spans.length === 0 ? (
        <Empty title="Waiting for exchanges">
          <p>
            Each one that arrives at this gateway and fits the filter appears here. Nothing comes? See in{' '}
            <a href={linkTo('/coverage')}>Coverage</a> what the agents observe.
          </p>
        </Empty>
      ) : (
        <div class="card scroll-x">
          <table class="table live-table">
            <thead>
              <tr>
                <th class="num">Started</th>
                <th>Service</th>
                <th>Operation</th>
                <th>Kind</th>
                <th>Status</th>
                <th class="num">Duration</th>
                <th>Node</th>
              </tr>
            </thead>
            <tbody>
              {live.spans.map((span) => (
                <Row key={`${span.trace_id}${span.span_id}${span.kind}`} span={span} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

import type { EdgeRates } from '../../api/rates';
import { duration } from '../../format/duration';
import { percent, rate } from '../../format/number';
import { errorShare, type Graph } from '../../model/graph';
import { linkHere, linkTo } from '../../route';
import { Icon } from '../../ui/icons';
import { ServiceName } from '../../ui/names';

function Neighbours({
  title,
  edges,
  side,
  seconds,
}: {
  title: string;
  edges: EdgeRates[];
  side: 'client' | 'server';
  seconds: number;
}) {
  if (edges.length === 0) return null;
  const sorted = [...edges].sort((one, other) => other.count - one.count);
  return (
    <table class="table">
      <thead>
        <tr>
          <th>{title}</th>
          <th class="num">Rate</th>
          <th class="num">Failed</th>
          <th class="num">p95</th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((edge) => (
          <tr key={edge[side]}>
            <td class="cut">
              <ServiceName name={edge[side]} href={linkHere({ focus: edge[side] })} />
            </td>
            <td class="num">{rate(edge.count / seconds)}</td>
            <td class={edge.errors ? 'num bad' : 'num'}>{percent(errorShare(edge))}</td>
            <td class="num">{duration(edge.p95_us)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function FocusPanel({ graph, name, seconds }: { graph: Graph; name: string; seconds: number }) {
  const node = graph.nodes.find((one) => one.name === name);
  return (
    <>
      <header class="focus-head">
        <h2>
          <ServiceName name={name} />
        </h2>
        <a
          class="button icon small"
          href={linkHere({ focus: null })}
          aria-label="Back to all services"
          title="Back to all services"
        >
          <Icon name="close" />
        </a>
      </header>
      {!node && <p class="map-none dim">It was not seen in this stretch of time.</p>}
      {node && !node.observed && (
        <p class="map-none dim">
          It is not observed: no agent sees it, or its spans do not come here. What its callers saw:
        </p>
      )}
      {node?.rates && (
        <dl class="figures">
          <div>
            <dt>Rate</dt>
            <dd>{rate(node.rates.count / seconds)}</dd>
          </div>
          <div>
            <dt>Failed</dt>
            <dd class={node.rates.errors ? 'bad' : ''}>{percent(errorShare(node.rates))}</dd>
          </div>
          <div>
            <dt>p50</dt>
            <dd>{duration(node.rates.p50_us)}</dd>
          </div>
          <div>
            <dt>p95</dt>
            <dd>{duration(node.rates.p95_us)}</dd>
          </div>
          <div>
            <dt>p99</dt>
            <dd>{duration(node.rates.p99_us)}</dd>
          </div>
        </dl>
      )}
      <div class="focus-links">
        <a class="button small" href={linkTo('/service', { name })}>
          Over time
        </a>
        <a class="button small" href={linkTo('/search', { service: name })}>
          Traces
        </a>
        <a class="button small" href={linkTo('/live', { service: name })}>
          Live
        </a>
      </div>
      <Neighbours
        title="Called by"
        side="client"
        seconds={seconds}
        edges={graph.edges.filter((edge) => edge.server === name)}
      />
      <Neighbours
        title="Calls"
        side="server"
        seconds={seconds}
        edges={graph.edges.filter((edge) => edge.client === name)}
      />
    </>
  );
}

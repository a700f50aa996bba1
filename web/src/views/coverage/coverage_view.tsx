import './coverage.css';
import { about } from '../../api/about';
import { coverage, type NodeCoverage } from '../../api/coverage';
import { useQuery } from '../../api/use_query';
import { bytes, count, percent } from '../../format/number';
import { ago } from '../../format/time';
import { change, usePlace } from '../../route';
import { Time } from '../../ui/names';
import { Empty, Failed, Loading } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { Ledger } from './ledger';
import { ProcessTable } from './process_table';

const kEvery_ms = 10000;
const kQuiet_us = 3 * 60 * 1e6; // an agent tells this every minute at the latest

function Node({ node, all }: { node: NodeCoverage; all: boolean }) {
  const missing = node.processes.filter((one) => !one.seen || one.missing !== '').length;
  const quiet = Date.now() * 1000 - node.seen_at_us > kQuiet_us;
  return (
    <section class="card node-card" aria-label={node.node}>
      <header>
        <h2>{node.node}</h2>
        <span class="note">agent {node.version}</span>
        <span class={quiet ? 'pill warn' : 'note'} title={node.instance}>
          heard {ago(node.seen_at_us)}
        </span>
        <span class="spread note">
          {count(node.processes.length)} processes with sockets
          {missing > 0 && `, ${count(missing)} not seen or not all`}
        </span>
      </header>
      <Ledger ledger={node.ledger} />
      <div class="scroll-x">
        <ProcessTable
          processes={node.processes}
          all={all}
          onAll={() => change({ all: node.node }, 'replace')}
        />
      </div>
    </section>
  );
}

/** What the gateway keeps: beside what agents see, the other half of what can be found here. */
function Store() {
  const { data } = useQuery('about', about, { every_ms: kEvery_ms });
  if (!data) return null;
  const share = data.limit_bytes > 0 ? data.bytes / data.limit_bytes : 0;
  return (
    <dl class="figures wide store">
      <div>
        <dt>Spans kept</dt>
        <dd>{count(data.spans)}</dd>
      </div>
      <div>
        <dt>On disk</dt>
        <dd>
          {bytes(data.bytes)}
          {data.limit_bytes > 0 && (
            <span class="dim">
              {' '}
              of {bytes(data.limit_bytes)} ({percent(share)})
            </span>
          )}
        </dd>
      </div>
      {data.oldest_us > 0 && (
        <div>
          <dt>Oldest</dt>
          <dd>
            <Time us={data.oldest_us} digits={0} date />
          </dd>
        </div>
      )}
      <div>
        <dt>Gateway</dt>
        <dd>
          {data.version} <span class="dim">started {ago(data.started_us)}</span>
        </dd>
      </div>
    </dl>
  );
}

export function CoverageView() {
  useTitle('Coverage');
  const { params } = usePlace();
  const answer = useQuery('coverage', coverage, { every_ms: kEvery_ms });
  return (
    <div class="page">
      <div class="head">
        <h1>Coverage</h1>
        <span class="dim">what the agents see, what not, and why</span>
      </div>
      <Store />
      {answer.error && !answer.data ? (
        <Failed error={answer.error} again={answer.again} />
      ) : !answer.data ? (
        <Loading what="coverage" />
      ) : answer.data.length === 0 ? (
        <Empty title="No agent has told its coverage yet">
          <p>
            Agents send it as OTLP metrics. Start one that exports to this gateway, and give the store
            exporter a metrics pipeline beside that of traces:
          </p>
          <code>OTEL_EXPORTER_OTLP_ENDPOINT=http://{location.hostname}:4318 wirespan-agent run</code>
          <p>
            Without this gateway, <span class="mono">wirespan-agent explain</span> tells the same on its
            machine.
          </p>
        </Empty>
      ) : (
        answer.data.map((node) => (
          <Node key={node.instance || node.node} node={node} all={params.get('all') === node.node} />
        ))
      )}
    </div>
  );
}

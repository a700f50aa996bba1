import './search.css';
import { services } from '../../api/jaeger';
import { useQuery } from '../../api/use_query';
import { count } from '../../format/number';
import { rangeKey, rangeNow } from '../../range';
import { change, usePlace } from '../../route';
import { Empty, Failed, Loading } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { readQuestion, search, type Found, type Question } from './question';
import { Scatter } from './scatter';
import { SearchForm } from './search_form';
import { TraceList, type Order } from './trace_list';

function Nothing({ question, known }: { question: Question; known: number }) {
  if (known === 0) {
    return (
      <Empty title="No traces have arrived yet">
        <p>
          Send OTLP to this gateway (4317 for gRPC, 4318 for HTTP), or start an agent on a machine with
          traffic:
        </p>
        <code>wirespan-agent run</code>
      </Empty>
    );
  }
  const narrowed =
    question.attributes ||
    question.min ||
    question.max ||
    question.status ||
    question.errors ||
    question.operation;
  return (
    <Empty title="No trace fits">
      <p>
        {narrowed
          ? 'Take a filter away, or look at a longer stretch of time (top right).'
          : 'Look at a longer stretch of time (top right).'}
      </p>
      {narrowed && (
        <button
          class="button"
          type="button"
          onClick={() =>
            change({ attr: null, min: null, max: null, status: null, errors: null, operation: null })
          }
        >
          Take all filters away
        </button>
      )}
    </Empty>
  );
}

function Results({ found, question, known }: { found: Found; question: Question; known: number }) {
  const { params } = usePlace();
  const chosen = params.get('sort');
  const order: Order = chosen === 'duration' || chosen === 'spans' ? chosen : 'time';
  if (found.traces.length === 0) return <Nothing question={question} known={known} />;
  return (
    <>
      <div class="card">
        <Scatter traces={found.traces} range={rangeNow(params)} />
      </div>
      <TraceList
        traces={found.traces}
        order={order}
        onOrder={(next) => change({ sort: next === 'time' ? null : next }, 'replace')}
      />
    </>
  );
}

export function SearchView() {
  useTitle('Search');
  const { params } = usePlace();
  const question = readQuestion(params);
  const names = useQuery('services', services);
  const ready = names.data !== null;
  const key = ready ? JSON.stringify(question) + rangeKey(params) : null;
  const found = useQuery(key, (signal) => search(question, rangeNow(), names.data ?? [], signal));
  return (
    <div class="page">
      <div class="head">
        <h1>Traces</h1>
        <span class="dim" role="status">
          {found.data && !found.error && `${count(found.data.traces.length)} found`}
          {found.loading && found.data && ' · searching …'}
        </span>
        <button class="button small spread" type="button" onClick={found.again}>
          Search again
        </button>
      </div>
      <SearchForm question={question} services={names.data ?? []} />
      {found.data?.notes.map((note) => (
        <p key={note} class="notice">
          {note}
        </p>
      ))}
      {names.error || found.error ? (
        <Failed
          error={(names.error ?? found.error) as Error}
          again={names.error ? names.again : found.again}
        />
      ) : found.data ? (
        <div class={found.loading ? 'results stale' : 'results'}>
          <Results found={found.data} question={question} known={names.data?.length ?? 0} />
        </div>
      ) : (
        <Loading what="traces" />
      )}
    </div>
  );
}

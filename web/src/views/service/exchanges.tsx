// Single exchanges that stand for the rest: the slowest of the newest, and the newest that failed.
import { traces, type Traces } from '../../api/jaeger';
import { useQuery } from '../../api/use_query';
import { duration } from '../../format/duration';
import { readTrace, type Span } from '../../model/trace';
import { rangeKey, rangeNow } from '../../range';
import { linkTo, usePlace } from '../../route';
import { Time } from '../../ui/names';
import { Failed, Loading } from '../../ui/state';

interface Of {
  service: string;
  operation: string;
  kind: string;
}

interface Found {
  trace: string;
  span: Span;
}

const kRows = 8;

function spansOf(answer: Traces, of: Of, only_failed: boolean): Found[] {
  const found: Found[] = [];
  for (const raw of answer.traces) {
    for (const span of readTrace(raw).spans) {
      if (span.service !== of.service) continue;
      if (of.operation ? span.operation !== of.operation : span.kind !== 'server' && span.kind !== 'consumer')
        continue;
      if (of.kind && span.kind !== of.kind) continue;
      if (!only_failed || span.error) found.push({ trace: raw.traceID, span });
    }
  }
  return found;
}

function List({ found, empty }: { found: Found[]; empty: string }) {
  if (found.length === 0) return <p class="nothing dim">{empty}</p>;
  return (
    <table class="table">
      <tbody>
        {found.slice(0, kRows).map(({ trace, span }) => (
          <tr key={`${trace} ${span.id}`}>
            <td class="num dim">
              <Time us={span.start_us} />
            </td>
            <td class="operation-cell">
              <a href={linkTo(`/trace/${trace}`, { span: span.id })}>{span.operation}</a>
            </td>
            <td>{span.status && <span class={span.error ? 'pill bad' : 'pill'}>{span.status}</span>}</td>
            <td class="num">{duration(span.duration_us)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** `least_us`: what is shorter is not among the slowest; the p95 where it is known, so that few have to be looked at. */
export function Exchanges({ of, least_us }: { of: Of; least_us: number }) {
  const { params } = usePlace();
  const key = `${of.service}\n${of.operation}\n${of.kind}\n${rangeKey(params)}`;
  const ask = (tags: Record<string, string>, min_us: number | undefined, signal: AbortSignal) => {
    const { start_us, end_us } = rangeNow();
    return traces({ ...of, tags, start_us, end_us, min_us, limit: 100 }, signal);
  };
  const slow = useQuery(`slow ${key} ${Math.round(least_us)}`, (signal) =>
    ask({}, least_us || undefined, signal),
  );
  const failed = useQuery(`failed ${key}`, (signal) => ask({ error: 'true' }, undefined, signal));
  const card = (
    title: string,
    note: string,
    href: string,
    answer: typeof slow,
    list: () => Found[],
    empty: string,
  ) => (
    <section class="card">
      <header>
        <h2>{title}</h2>
        <span class="note">{note}</span>
        <a class="spread" href={href}>
          All
        </a>
      </header>
      {answer.error ? (
        <Failed error={answer.error} again={answer.again} />
      ) : answer.data ? (
        <List found={list()} empty={empty} />
      ) : (
        <Loading what="exchanges" />
      )}
    </section>
  );
  const there = { service: of.service, operation: of.operation };
  return (
    <div class="two">
      {card(
        'Slowest',
        least_us > 0 ? `of the newest that took ${duration(least_us)} or more` : 'of the newest',
        linkTo('/search', { ...there, sort: 'duration' }),
        slow,
        () =>
          slow.data
            ? spansOf(slow.data, of, false).sort(
                (one, other) => other.span.duration_us - one.span.duration_us,
              )
            : [],
        'None in this stretch of time.',
      )}
      {card(
        'Failed',
        'newest first',
        linkTo('/search', { ...there, errors: 'true' }),
        failed,
        () =>
          failed.data
            ? spansOf(failed.data, of, true).sort((one, other) => other.span.start_us - one.span.start_us)
            : [],
        'None in this stretch of time.',
      )}
    </div>
  );
}

import { useState } from 'preact/hooks';
import { duration } from '../../format/duration';
import { count, percent } from '../../format/number';
import { zoneName } from '../../format/time';
import { hueStyle } from '../../model/colour';
import { byService, type Stretch } from '../../model/critical_path';
import type { Trace } from '../../model/trace';
import { linkTo } from '../../route';
import { ServiceName, Time } from '../../ui/names';

function CopyId({ id }: { id: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(id).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <button class="plain mono" type="button" title="Copy the trace id" onClick={copy}>
      {copied ? 'copied' : id}
    </button>
  );
}

export function TraceHead({ trace }: { trace: Trace }) {
  const root = trace.roots[0];
  return (
    <div class="trace-head">
      <h1>
        {root && <ServiceName name={root.service} href={linkTo('/service', { name: root.service })} />}{' '}
        <span class="operation">{root?.operation}</span>
      </h1>
      <dl class="facts">
        <div>
          <dt>Started</dt>
          <dd>
            <Time us={trace.start_us} date /> <span class="dim">{zoneName()}</span>
          </dd>
        </div>
        <div>
          <dt>Duration</dt>
          <dd>{duration(trace.end_us - trace.start_us)}</dd>
        </div>
        <div>
          <dt>Spans</dt>
          <dd>{count(trace.spans.length)}</dd>
        </div>
        <div>
          <dt>Services</dt>
          <dd>{count(trace.services.length)}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd class={trace.errors ? 'bad' : ''}>{count(trace.errors)}</dd>
        </div>
        <div>
          <dt>Trace</dt>
          <dd>
            <CopyId id={trace.id} />
          </dd>
        </div>
      </dl>
    </div>
  );
}

const kMostShares = 5;

/** Whose time the trace's duration is, along the critical path. */
export function PathShares({ path }: { path: Stretch[] }) {
  const shares = byService(path);
  const sum = shares.reduce((total, share) => total + share.us, 0);
  if (sum === 0) return null;
  const others = shares.slice(kMostShares).reduce((total, share) => total + share.us, 0);
  return (
    <div class="path-shares">
      <h2>Critical path</h2>
      <div class="strip" aria-hidden="true">
        {shares.map((share) => (
          <span
            key={share.service}
            style={{ ...hueStyle(share.service), width: `${(share.us / sum) * 100}%` }}
          />
        ))}
      </div>
      <ul>
        {shares.slice(0, kMostShares).map((share) => (
          <li key={share.service}>
            <ServiceName name={share.service} /> <span class="num">{percent(share.us / sum)}</span>
          </li>
        ))}
        {others > 0 && (
          <li class="dim">
            {shares.length - kMostShares === 1 ? '1 other' : `${shares.length - kMostShares} others`}{' '}
            <span class="num">{percent(others / sum)}</span>
          </li>
        )}
      </ul>
    </div>
  );
}

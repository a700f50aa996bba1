// The ledger of an agent: what its hooks saw is what it reported and what it dropped, each drop with its reason.
import type { NodeCoverage } from '../../api/coverage';
import { count, percent } from '../../format/number';

/** Not lost but left out, as the configuration or the sampler says: docs/self-report.md. */
const kChoices = /: (ignored|instrumented|sampled_out)$/;

export function Ledger({ ledger }: { ledger: NodeCoverage['ledger'] }) {
  const dropped = ledger.dropped.filter((one) => one.count > 0).sort((one, other) => other.count - one.count);
  const sum = dropped.reduce((total, one) => total + one.count, 0);
  const lost = dropped.some((one) => !kChoices.test(one.reason));
  const open = ledger.seen - ledger.reported - sum;
  const whole = Math.max(1, ledger.seen, ledger.reported + sum);
  return (
    <div class="ledger">
      <div class="ledger-strip" aria-hidden="true">
        <span class="reported" style={{ width: `${(ledger.reported / whole) * 100}%` }} />
        <span class="dropped" style={{ width: `${(sum / whole) * 100}%` }} />
      </div>
      <dl>
        <div>
          <dt>Seen</dt>
          <dd>{count(ledger.seen)}</dd>
        </div>
        <div>
          <dt>= Reported</dt>
          <dd>{count(ledger.reported)}</dd>
        </div>
        <div>
          <dt>+ Dropped</dt>
          <dd class={lost ? 'bad' : ''}>{count(sum)}</dd>
        </div>
        {open !== 0 && (
          <div>
            <dt>{open < 0 ? '− Not accounted for' : '+ Under way'}</dt>
            <dd class={open < 0 ? 'bad' : ''}>{count(Math.abs(open))}</dd>
          </div>
        )}
      </dl>
      {dropped.length > 0 && (
        <ul class="reasons">
          {dropped.map((one) => (
            <li key={one.reason}>
              <span class={kChoices.test(one.reason) ? 'pill' : 'pill warn'}>{one.reason}</span>{' '}
              <span class="num">{count(one.count)}</span>{' '}
              <span class="dim num">{percent(one.count / whole)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

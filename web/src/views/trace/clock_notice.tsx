import { duration } from '../../format/duration';
import { count } from '../../format/number';
import type { ClockPair } from '../../model/exchange';

/** Clocks that can't both be right are named, and times are left as they were sent. */
export function ClockNotice({ pairs }: { pairs: ClockPair[] }) {
  const worst = pairs[0];
  if (!worst) return null;
  return (
    <p class="notice" role="note">
      The clocks of <strong>{worst.client}</strong> and <strong>{worst.server}</strong> differ by at least{' '}
      {duration(Math.abs(worst.shift_us))}: in {count(worst.exchanges)}{' '}
      {worst.exchanges === 1 ? 'exchange the answer' : 'exchanges the answer'} lies outside of its request.
      {pairs.length > 1 &&
        ` So do those of ${pairs.length - 1} other ${pairs.length === 2 ? 'pair' : 'pairs'}.`}{' '}
      Times are shown as they were sent.
    </p>
  );
}

import type { ProcessCoverage } from '../../api/coverage';
import { count } from '../../format/number';
import { linkTo } from '../../route';

const kFirst = 20;

export function ProcessTable({
  processes,
  all,
  onAll,
}: {
  processes: ProcessCoverage[];
  all: boolean;
  onAll: () => void;
}) {
  // What is missing comes first: that is what one is here for.
  const sorted = [...processes].sort(
    (one, other) =>
      Number(one.seen) - Number(other.seen) ||
      Number(other.missing !== '') - Number(one.missing !== '') ||
      other.sockets - one.sockets,
  );
  const shown = all ? sorted : sorted.slice(0, kFirst);
  return (
    <>
      <table class="table processes">
        <thead>
          <tr>
            <th>Process</th>
            <th class="num">PID</th>
            <th>Protocol</th>
            <th class="num">Sockets</th>
            <th>Seen</th>
            <th>What is missing, and why</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <tr key={`${one.pid} ${one.protocol}`}>
              <td>
                {one.seen ? (
                  <a href={linkTo('/service', { name: one.name })}>{one.name}</a>
                ) : (
                  <strong>{one.name}</strong>
                )}
              </td>
              <td class="num dim">{one.pid}</td>
              <td>{one.protocol || <span class="dim">not known yet</span>}</td>
              <td class="num">{count(one.sockets)}</td>
              <td>
                {one.seen ? (
                  <span class="pill good">{one.how || 'seen'}</span>
                ) : (
                  <span class="pill bad">not seen</span>
                )}
              </td>
              <td>{one.missing || <span class="dim">nothing</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown.length && (
        <div class="more">
          <button class="button small" type="button" onClick={onAll}>
            Show the other {count(sorted.length - shown.length)}
          </button>
        </div>
      )}
    </>
  );
}

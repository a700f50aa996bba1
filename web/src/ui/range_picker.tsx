import { useEffect, useRef, useState } from 'preact/hooks';
import { minute, moment, inUtc, zoneName } from '../format/time';
import { kRanges, rangeNow, secondsOf } from '../range';
import { change, usePlace } from '../route';
import { Icon } from './icons';

const units: Record<string, string> = { m: 'minutes', h: 'hours', d: 'days' };

function words(last: string): string {
  const unit = units[last.slice(-1)] ?? '';
  const count = last.slice(0, -1);
  return `Last ${count} ${count === '1' ? unit.slice(0, -1) : unit}`;
}

/** "2026-03-01 14:03:27" in the zone that is on; null: no moment. */
function parseMoment(text: string): number | null {
  const match = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d*)?)?\s*$/.exec(text);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, min = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const ms = inUtc()
    ? Date.UTC(year, month - 1, day, hour, min, second)
    : new Date(year, month - 1, day, hour, min, second).getTime();
  return Number.isFinite(ms) ? ms * 1000 : null;
}

function Between({ close }: { close: () => void }) {
  const now = rangeNow();
  const [from, setFrom] = useState(moment(now.start_us, 0));
  const [to, setTo] = useState(moment(now.end_us, 0));
  const start = parseMoment(from);
  const end = parseMoment(to);
  const wrong = start !== null && end !== null && end <= start;
  const apply = (event: Event) => {
    event.preventDefault();
    if (start === null || end === null || wrong) return;
    change({ range: null, start, end });
    close();
  };
  return (
    <form onSubmit={apply} style={{ display: 'grid', gap: '10px' }}>
      <label class="field">
        From ({zoneName()})
        <input
          value={from}
          aria-invalid={start === null}
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        To
        <input
          value={to}
          aria-invalid={end === null || wrong}
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      {(start === null || end === null) && <p class="bad">Write moments as 2026-03-01 14:03:27.</p>}
      {wrong && <p class="bad">The end has to come after the start.</p>}
      <button class="button" type="submit" disabled={start === null || end === null || wrong}>
        Show this stretch
      </button>
    </form>
  );
}

export function RangePicker() {
  const { params } = usePlace();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const range = rangeNow(params);
  useEffect(() => {
    if (!open) return;
    const away = (event: Event) => {
      if (
        event instanceof KeyboardEvent ? event.key === 'Escape' : !box.current?.contains(event.target as Node)
      ) {
        setOpen(false);
      }
    };
    document.addEventListener('pointerdown', away);
    document.addEventListener('keydown', away);
    return () => {
      document.removeEventListener('pointerdown', away);
      document.removeEventListener('keydown', away);
    };
  }, [open]);
  const sameDay = moment(range.start_us, 0).slice(0, 10) === moment(range.end_us, 0).slice(0, 10);
  const label = range.last
    ? words(range.last)
    : `${moment(range.start_us, 0)} – ${sameDay ? minute(range.end_us) : moment(range.end_us, 0)}`;
  return (
    <div class="range" ref={box}>
      <button
        class="button"
        type="button"
        aria-expanded={open}
        aria-haspopup="dialog"
        onClick={() => setOpen(!open)}
      >
        <Icon name="clock" /> {label}
      </button>
      {open && (
        <div class="range-panel" role="dialog" aria-label="Time range">
          <div class="choices">
            {kRanges.map((choice) => (
              <button
                key={choice}
                class="button small"
                type="button"
                aria-pressed={range.last === choice}
                title={words(choice)}
                onClick={() => {
                  change({ range: secondsOf(choice) === 3600 ? null : choice, start: null, end: null });
                  setOpen(false);
                }}
              >
                {choice}
              </button>
            ))}
          </div>
          <Between close={() => setOpen(false)} />
        </div>
      )}
    </div>
  );
}

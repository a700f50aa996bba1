import { useEffect, useRef, useState } from 'preact/hooks';
import { listen, type LiveFilter, type LiveSpan } from '../../api/live';

const kKept = 300;

export interface Live {
  /** Newest first. */
  spans: LiveSpan[];
  state: 'connecting' | 'open' | 'waiting';
  seen: number;
  dropped: number;
  /** Arrived since the reader paused. */
  missed: number;
}

const nothing: Live = { spans: [], state: 'connecting', seen: 0, dropped: 0, missed: 0 };

/** Spans as they arrive, drawn once a frame however many there are. */
export function useLive(filter: LiveFilter, paused: boolean): Live {
  const [live, set] = useState<Live>(nothing);
  const hold = useRef(paused);
  hold.current = paused;
  const key = JSON.stringify(filter);
  useEffect(() => {
    set(nothing);
    let fresh: LiveSpan[] = [];
    let dropped = 0;
    let frame = 0;
    const draw = () => {
      frame = 0;
      const taken = fresh.reverse();
      const left_out = dropped;
      fresh = [];
      dropped = 0;
      set((before) => {
        const seen = before.seen + taken.length;
        if (hold.current)
          return {
            ...before,
            seen,
            dropped: before.dropped + left_out,
            missed: before.missed + taken.length,
          };
        return {
          ...before,
          seen,
          dropped: before.dropped + left_out,
          spans: [...taken, ...before.spans].slice(0, kKept),
        };
      });
    };
    const soon = () => {
      if (frame === 0) frame = requestAnimationFrame(draw);
    };
    const end = listen(JSON.parse(key) as LiveFilter, {
      span: (span) => {
        fresh.push(span);
        // No frames come in a hidden tab.
        if (fresh.length > kKept * 4) fresh = fresh.slice(-kKept);
        soon();
      },
      dropped: (count) => {
        dropped += count;
        soon();
      },
      state: (state) => set((before) => ({ ...before, state })),
    });
    return () => {
      end();
      cancelAnimationFrame(frame);
    };
  }, [key]);
  useEffect(() => {
    if (!paused) set((before) => ({ ...before, missed: 0 }));
  }, [paused]);
  return live;
}

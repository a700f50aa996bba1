import { useEffect, useRef, useState } from 'preact/hooks';

export interface Query<T> {
  /** The last answer; while a new one is awaited, still the one before. */
  data: T | null;
  error: Error | null;
  loading: boolean;
  again: () => void;
}

interface Options {
  /** Asked again so long after the last answer while the page is visible; 0: never. */
  every_ms?: number;
}

/**
 * The answer to a question that `key` names; null: nothing is asked. A new key ends the question under way. `load`
 * may read the clock: it runs anew with each question.
 */
export function useQuery<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  options: Options = {},
): Query<T> {
  const [state, set] = useState<{
    key: string | null;
    data: T | null;
    error: Error | null;
    loading: boolean;
  }>({
    key: null,
    data: null,
    error: null,
    loading: key !== null,
  });
  const [round, next] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  const every = options.every_ms ?? 0;

  useEffect(() => {
    if (key === null) {
      set({ key, data: null, error: null, loading: false });
      return;
    }
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const plan = () => {
      if (every > 0) timer = setTimeout(again, every);
    };
    // Nobody looks at a hidden tab: it asks when it is shown again. The first answer comes all the same, so that a tab
    // opened in the background is ready.
    let late = false;
    const again = () => {
      if (document.hidden) late = true;
      else run();
    };
    const shown = () => {
      if (document.hidden || !late) return;
      late = false;
      run();
    };
    document.addEventListener('visibilitychange', shown);
    const run = () => {
      latest.current(control.signal).then(
        (data) => {
          if (control.signal.aborted) return;
          set({ key, data, error: null, loading: false });
          plan();
        },
        (error: Error) => {
          if (control.signal.aborted) return;
          set((before) => ({ ...before, key, error, loading: false }));
          plan();
        },
      );
    };
    set((before) => ({ ...before, loading: true }));
    run();
    return () => {
      control.abort();
      document.removeEventListener('visibilitychange', shown);
      clearTimeout(timer);
    };
  }, [key, round, every]);

  return { data: state.data, error: state.error, loading: state.loading, again: () => next(round + 1) };
}

// Light, dark, or as the system says. The reader's choice stays with the browser, not in the address.
import { useEffect, useState } from 'preact/hooks';

export type Theme = 'system' | 'light' | 'dark';
const kKey = 'wirespan.theme';
const listeners = new Set<() => void>();
let current: Theme = 'system';

export function setTheme(theme: Theme): void {
  current = theme;
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(kKey, theme);
  } catch {
    // No storage in a private window: the choice holds until the page is closed.
  }
  for (const listener of listeners) listener();
}

export function startTheme(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(kKey);
  } catch {
    // As above.
  }
  setTheme(stored === 'light' || stored === 'dark' ? stored : 'system');
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const listener of listeners) listener();
  });
}

/** Renders again when colours change: a canvas has to be painted anew. */
export function useTheme(): { theme: Theme; dark: boolean } {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = () => again((count) => count + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  const dark =
    current === 'dark' || (current === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  return { theme: current, dark };
}

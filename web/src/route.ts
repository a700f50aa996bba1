// Where the reader is: path and parameters of the address, which hold the whole state of the page.
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  path: string;
  params: URLSearchParams;
}

function read(): Place {
  return { path: location.pathname, params: new URLSearchParams(location.search) };
}

let place = read();
const listeners = new Set<() => void>();

function tell(): void {
  place = read();
  for (const listener of listeners) listener();
}

export function here(): Place {
  return place;
}

/** `replace`: this place takes the last one's entry in the history (a filter that is still being typed). */
export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (to === location.pathname + location.search) return;
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  const moved = place.path !== location.pathname;
  tell();
  if (!moved) return;
  window.scrollTo(0, 0);
  // Who hears the page begins at the new view's start, not where the link was.
  document.getElementById('main')?.focus({ preventScroll: true });
}

/** Parameters that go along from view to view. */
const shared = ['range', 'start', 'end', 'tz'];

export type Changes = Record<string, string | number | null | undefined>;

function withQuery(path: string, params: URLSearchParams): string {
  const query = params.toString();
  return query ? `${path}?${query}` : path;
}

function apply(params: URLSearchParams, changes: Changes): URLSearchParams {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') params.delete(name);
    else params.set(name, String(value));
  }
  return params;
}

/** The address of another view: time range and time zone go along, the rest is given. */
export function linkTo(path: string, changes: Changes = {}): string {
  const params = new URLSearchParams();
  for (const name of shared) {
    const value = place.params.get(name);
    if (value !== null) params.set(name, value);
  }
  return withQuery(path, apply(params, changes));
}

/** The address of this view with some parameters changed; null or '' takes one away. */
export function linkHere(changes: Changes): string {
  return withQuery(place.path, apply(new URLSearchParams(place.params), changes));
}

export function change(changes: Changes, how: 'push' | 'replace' = 'push'): void {
  go(linkHere(changes), how);
}

export function usePlace(): Place {
  const [now, set] = useState(place);
  useEffect(() => {
    const listener = () => set(place);
    listeners.add(listener);
    listener();
    return () => void listeners.delete(listener);
  }, []);
  return now;
}

function plainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

/** Links of the page are followed without loading it again. */
export function followLinks(): void {
  window.addEventListener('popstate', tell);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || !plainClick(event)) return;
    const link = (event.target as Element | null)?.closest?.('a[href]');
    if (!link || link.hasAttribute('target') || link.hasAttribute('download')) return;
    const address = new URL(link.getAttribute('href') ?? '', location.href);
    if (address.origin !== location.origin || /^\/(wirespan\/)?api\//.test(address.pathname)) return;
    event.preventDefault();
    go(address.pathname + address.search);
  });
}

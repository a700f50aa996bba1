import type { ComponentChildren } from 'preact';
import { inUtc, zoneName } from '../format/time';
import { change, linkTo, usePlace } from '../route';
import { setTheme, useTheme, type Theme } from '../theme';
import { Icon } from './icons';
import { Keys } from './keys';
import { RangePicker } from './range_picker';

const views = [
  { path: '/', name: 'Map', also: /^\/map/ },
  { path: '/service', name: 'Services', also: /^\/service/ },
  { path: '/search', name: 'Search', also: /^\/(search|trace)/ },
  { path: '/live', name: 'Live', also: /^\/live/ },
  { path: '/coverage', name: 'Coverage', also: /^\/coverage/ },
];
const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const themeIcon = { system: 'system', light: 'sun', dark: 'moon' } as const;

function ThemeButton() {
  const { theme } = useTheme();
  const label = `Colours: ${theme === 'system' ? 'as the system' : theme}`;
  return (
    <button
      class="button icon"
      type="button"
      title={label}
      aria-label={label}
      onClick={() => setTheme(nextTheme[theme])}
    >
      <Icon name={themeIcon[theme]} />
    </button>
  );
}

function ZoneButton() {
  const utc = inUtc();
  return (
    <button
      class="button"
      type="button"
      aria-pressed={utc}
      title={utc ? 'Times are in UTC. Show local times' : 'Times are local. Show UTC'}
      onClick={() => change({ tz: utc ? null : 'utc' })}
    >
      {utc ? 'UTC' : `Local ${zoneName(false)}`}
    </button>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const { path } = usePlace();
  const dated = /^\/(map|service|search)?\/?$/.test(path);
  return (
    <>
      <a class="skip button" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="shell-bar">
        <a class="brand" href={linkTo('/')}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M6 11h14M12 16h14M9 21h9" stroke-width="3" stroke-linecap="round" />
          </svg>
          wirespan
        </a>
        <nav class="views" aria-label="Views">
          {views.map((view) => (
            <a
              key={view.path}
              href={linkTo(view.path)}
              aria-current={path === view.path || view.also.test(path) ? 'page' : undefined}
            >
              {view.name}
            </a>
          ))}
        </nav>
        <div class="shell-tools">
          {dated && <RangePicker />}
          <ZoneButton />
          <ThemeButton />
          <Keys />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

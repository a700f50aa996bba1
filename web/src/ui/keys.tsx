import { useEffect, useRef } from 'preact/hooks';
import { go, linkTo } from '../route';
import { Icon } from './icons';

const places: Record<string, string> = { m: '/', s: '/service', f: '/search', l: '/live', c: '/coverage' };
const help: [string[], string][] = [
  [['g', 'm'], 'Map'],
  [['g', 's'], 'Services'],
  [['g', 'f'], 'Find a trace'],
  [['g', 'l'], 'Live'],
  [['g', 'c'], 'Coverage'],
  [['/'], 'Into the first filter of the view'],
  [['↑', '↓'], 'Trace: the span above, below'],
  [['←', '→'], 'Trace: close, open what is below a span'],
  [['Esc'], 'Close what is open'],
  [['?'], 'This list'],
];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}

/** Keys that work in every view, and the list of all. */
export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let after_g = 0;
    const press = (event: KeyboardEvent) => {
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '?') {
        dialog.current?.showModal();
      } else if (event.key === '/') {
        const first = document.querySelector<HTMLElement>('main input, main select');
        if (!first) return;
        event.preventDefault();
        first.focus();
      } else if (event.key === 'g') {
        after_g = event.timeStamp;
      } else if (event.timeStamp - after_g < 1500 && places[event.key]) {
        after_g = 0;
        go(linkTo(places[event.key] as string));
      }
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
  return (
    <>
      <button
        class="button icon"
        type="button"
        title="Keys (?)"
        aria-label="Keys"
        onClick={() => dialog.current?.showModal()}
      >
        <Icon name="keys" />
      </button>
      <dialog class="keys-panel" ref={dialog} aria-label="Keys">
        <h2>Keys</h2>
        <dl>
          {help.map(([keys, does]) => (
            <>
              <dt>
                {keys.map((key) => (
                  <>
                    <kbd>{key}</kbd>{' '}
                  </>
                ))}
              </dt>
              <dd>{does}</dd>
            </>
          ))}
        </dl>
        <p class="dim">
          <a href="/licenses.txt" target="_blank">
            Whose work this page contains
          </a>
        </p>
        <form method="dialog">
          <button class="button" autofocus>
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}

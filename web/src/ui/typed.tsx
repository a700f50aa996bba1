import { useEffect, useRef, useState } from 'preact/hooks';

const kPause_ms = 250; // of typing, after which the value counts

interface Props {
  label: string;
  value: string;
  /** `first`: of this stay in the field: the values after it replace it in the history. */
  onValue: (value: string, first: boolean) => void;
  placeholder?: string;
  /** Why what was typed can't be used; null: it can. */
  check?: (value: string) => string | null;
  suggestions?: string[];
}

let made = 0;

/** A text field whose value counts while it is typed. */
export function Typed({ label, value, onValue, placeholder, check, suggestions }: Props) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const told = useRef(false);
  const [id] = useState(() => `typed-${++made}`);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const wrong = check?.(text) ?? null;
  const tell = (next: string) => {
    clearTimeout(timer.current);
    if (next === value || check?.(next)) return;
    onValue(next, !told.current);
    told.current = true;
  };
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        value={text}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        list={suggestions ? id : undefined}
        aria-invalid={wrong !== null}
        title={wrong ?? undefined}
        onInput={(event) => {
          const next = event.currentTarget.value;
          setText(next);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => tell(next), kPause_ms);
        }}
        onKeyDown={(event) => event.key === 'Enter' && tell(event.currentTarget.value)}
        onBlur={(event) => {
          tell(event.currentTarget.value);
          told.current = false;
        }}
      />
      {wrong && <span class="bad">{wrong}</span>}
      {suggestions && (
        <datalist id={id}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </label>
  );
}

interface Props {
  label: string;
  value: string;
  choices: string[];
  /** What '' is called. */
  none: string;
  onValue: (value: string) => void;
}

export function Select({ label, value, choices, none, onValue }: Props) {
  const known = value === '' || choices.includes(value);
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="">{none}</option>
        {!known && <option value={value}>{value}</option>}
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  );
}

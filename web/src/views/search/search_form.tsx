import { operations } from '../../api/jaeger';
import { useQuery } from '../../api/use_query';
import { change } from '../../route';
import { Select } from '../../ui/select';
import { Typed } from '../../ui/typed';
import { checkAttributes, checkDuration, kLimits, type Question } from './question';

export function SearchForm({ question, services }: { question: Question; services: string[] }) {
  const { service } = question;
  const names = useQuery(service || null, (signal) => operations(service, signal));
  const typed = (name: string) => (value: string, first: boolean) =>
    change({ [name]: value }, first ? 'push' : 'replace');
  return (
    <form
      class="search-form card"
      role="search"
      aria-label="Traces"
      onSubmit={(event) => event.preventDefault()}
    >
      <Select
        label="Service"
        value={service}
        choices={services}
        none="All services"
        onValue={(value) => change({ service: value, operation: null })}
      />
      <Typed
        label="Operation"
        value={question.operation}
        placeholder="any"
        suggestions={names.data ?? []}
        onValue={typed('operation')}
      />
      <Typed
        label="Attributes"
        value={question.attributes}
        placeholder="url.path=/cart user=42"
        check={checkAttributes}
        onValue={typed('attr')}
      />
      <Typed
        label="Status"
        value={question.status}
        placeholder="503, UNAVAILABLE"
        onValue={typed('status')}
      />
      <Typed
        label="At least"
        value={question.min}
        placeholder="100ms"
        check={checkDuration}
        onValue={typed('min')}
      />
      <Typed
        label="At most"
        value={question.max}
        placeholder="2s"
        check={checkDuration}
        onValue={typed('max')}
      />
      <Select
        label="Show"
        value={String(question.limit)}
        choices={kLimits.map(String)}
        none="100"
        onValue={(value) => change({ limit: value === '100' ? null : value })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={question.errors}
          onChange={(event) => change({ errors: event.currentTarget.checked ? 'true' : null })}
        />
        Errors only
      </label>
    </form>
  );
}

import './span_panel.css';
import { duration } from '../../format/duration';
import { zoneName } from '../../format/time';
import type { Exchange } from '../../model/exchange';
import { gapNotes, parentNote } from '../../model/provenance';
import { selfTime, type Span, type Trace } from '../../model/trace';
import { linkTo } from '../../route';
import { Icon } from '../../ui/icons';
import { ServiceName, Time } from '../../ui/names';
import { ExchangeTable } from './exchange_table';
import { TagTable } from './tag_table';

interface Props {
  trace: Trace;
  span: Span;
  exchange: Exchange | undefined;
  onPath_us: number;
  onSelect: (span: Span | null) => void;
}

function Facts({ trace, span, onPath_us }: Props) {
  return (
    <dl class="span-facts">
      <dt>Duration</dt>
      <dd>{duration(span.duration_us)}</dd>
      <dt>Itself</dt>
      <dd title="Time in which none of its children ran">{duration(selfTime(span))}</dd>
      <dt>On the critical path</dt>
      <dd>{onPath_us > 0 ? duration(onPath_us) : <span class="dim">no</span>}</dd>
      <dt>Into the trace</dt>
      <dd>{duration(span.start_us - trace.start_us)}</dd>
      <dt>Started</dt>
      <dd>
        <Time us={span.start_us} digits={6} date /> <span class="dim">{zoneName()}</span>
      </dd>
      {span.node && (
        <>
          <dt>Seen on</dt>
          <dd>{span.node}</dd>
        </>
      )}
      <dt>Span</dt>
      <dd class="mono">{span.id}</dd>
    </dl>
  );
}

function Provenance({ span, onSelect }: Pick<Props, 'span' | 'onSelect'>) {
  const parent = parentNote(span);
  const gaps = gapNotes(span);
  return (
    <>
      <section>
        <h3>
          Parent{' '}
          {parent.word && (
            <span class={parent.weight === 'gap' ? 'pill warn' : 'pill good'}>{parent.word}</span>
          )}
        </h3>
        {span.parent && (
          <p>
            <button class="plain" type="button" onClick={() => onSelect(span.parent)}>
              <ServiceName name={span.parent.service} /> {span.parent.operation}
            </button>
          </p>
        )}
        <p class="dim">{parent.text}</p>
      </section>
      {gaps.length > 0 && (
        <section>
          <h3>Not all seen</h3>
          <ul class="gaps">
            {gaps.map((note) => (
              <li key={note.word}>
                <span class="pill warn">{note.word}</span> {note.text}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Events({ trace, span }: Pick<Props, 'trace' | 'span'>) {
  if (span.events.length === 0) return null;
  return (
    <section>
      <h3>Events</h3>
      <ul class="events">
        {span.events.map((event, at) => (
          <li key={at}>
            <span class="num dim">{duration(event.timestamp - trace.start_us)}</span>
            <span>
              {event.fields.map((field) => (
                <div key={field.key}>
                  {field.key !== 'event' && <span class="dim">{field.key} </span>}
                  {String(field.value)}
                </div>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function SpanPanel(props: Props) {
  const { span, exchange, onSelect } = props;
  return (
    <aside class="span-panel" aria-label="Span">
      <header>
        <div>
          <ServiceName name={span.service} href={linkTo('/service', { name: span.service })} />
          <h2>{span.operation}</h2>
          <p class="pills">
            {span.kind && <span class="pill">{span.kind}</span>}
            {span.status && <span class={span.error ? 'pill bad' : 'pill'}>{span.status}</span>}
            {span.error && !span.status && <span class="pill bad">failed</span>}
          </p>
        </div>
        <button
          class="button icon small"
          type="button"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => onSelect(null)}
        >
          <Icon name="close" />
        </button>
      </header>
      <Facts {...props} />
      <Provenance span={span} onSelect={onSelect} />
      {exchange && (
        <section>
          <h3>Both ends of the exchange</h3>
          <ExchangeTable exchange={exchange} onSelect={onSelect} />
        </section>
      )}
      <section>
        <h3>Attributes</h3>
        <TagTable tags={span.tags} service={span.service} />
      </section>
      <Events {...props} />
      {span.links.length > 0 && (
        <section>
          <h3>Links</h3>
          <ul>
            {span.links.map((link) => (
              <li key={link.trace + link.span}>
                <a class="mono" href={linkTo(`/trace/${link.trace}`, { span: link.span })}>
                  {link.trace}
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {span.resource.length > 0 && (
        <section>
          <h3>Resource</h3>
          <TagTable tags={span.resource} service={span.service} />
        </section>
      )}
    </aside>
  );
}

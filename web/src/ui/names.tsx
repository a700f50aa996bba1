import { bothZones, clock, moment } from '../format/time';
import { hueStyle } from '../model/colour';

export function ServiceName({ name, href }: { name: string; href?: string | undefined }) {
  const inside = (
    <>
      <span class="dot" style={hueStyle(name)} />
      <span>{name}</span>
    </>
  );
  if (!href) return <span class="service-name">{inside}</span>;
  return (
    <a class="service-name" href={href}>
      {inside}
    </a>
  );
}

/** A moment in the zone that is on; both zones in the tooltip. */
export function Time({ us, digits = 3, date = false }: { us: number; digits?: 0 | 3 | 6; date?: boolean }) {
  const machine = new Date(us / 1000);
  return (
    <time
      class={date ? 'date' : undefined}
      dateTime={Number.isNaN(machine.getTime()) ? '' : machine.toISOString()}
      title={bothZones(us)}
    >
      {date ? moment(us, digits) : clock(us, digits)}
    </time>
  );
}

import type { Series } from '../../api/rates';
import { duration } from '../../format/duration';
import { percent, rate } from '../../format/number';
import { gridOf } from '../../model/buckets';
import { errorShare } from '../../model/graph';
import type { Range } from '../../range';
import { Chart } from '../../ui/chart';
import { HeatMap } from './heat_map';

export function ServiceCharts({
  series,
  range,
  of,
}: {
  series: Series;
  range: Range;
  of: { service: string; operation: string };
}) {
  const grid = gridOf(series, range.start_us / 1e6, range.end_us / 1e6, range.last !== null);
  const common = { t_s: grid.t_s, step_s: series.step_s };
  const of_points = (value: (point: Series['points'][number]) => number) =>
    grid.points.map((point) => (point ? value(point) : null));
  const percentile = (name: 'p50' | 'p95' | 'p99') => ({
    name,
    colour: `--${name}`,
    values: of_points((point) => point[`${name}_us`]),
  });
  return (
    <>
      <div class="three">
        <section class="card">
          <Chart
            {...common}
            label="Rate"
            format={rate}
            lines={[
              {
                name: 'all',
                colour: '--accent',
                fill: true,
                values: grid.points.map((point) => (point?.count ?? 0) / series.step_s),
              },
              {
                name: 'failed',
                colour: '--error-fill',
                fill: true,
                values: grid.points.map((point) => (point?.errors ?? 0) / series.step_s),
              },
            ]}
          />
        </section>
        <section class="card">
          <Chart
            {...common}
            label="Failed"
            format={percent}
            lines={[{ name: 'share', colour: '--error-fill', fill: true, values: of_points(errorShare) }]}
          />
        </section>
        <section class="card">
          <Chart
            {...common}
            label="Duration"
            format={duration}
            lines={[percentile('p50'), percentile('p95'), percentile('p99')]}
          />
        </section>
      </div>
      <section class="card">
        <header>
          <h2>How long exchanges took</h2>
          <span class="note">the stronger, the more; a click leads to their traces</span>
        </header>
        <HeatMap series={series} range={range} of={of} />
      </section>
    </>
  );
}

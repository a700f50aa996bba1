import { duration } from '../../format/duration';
import { percent, rate } from '../../format/number';
import { errorShare, type Graph, type Node } from '../../model/graph';
import { change, linkHere, usePlace } from '../../route';
import { ServiceName } from '../../ui/names';
import { Typed } from '../../ui/typed';

const orders: Record<string, (node: Node) => number> = {
  rate: (node) => node.rates?.count ?? -1,
  errors: (node) => (node.rates ? errorShare(node.rates) : -1),
  p95: (node) => node.rates?.p95_us ?? -1,
};

export function ServiceList({ graph, seconds }: { graph: Graph; seconds: number }) {
  const { params } = usePlace();
  const sort = params.get('sort') ?? 'rate';
  const find = (params.get('find') ?? '').toLowerCase();
  const order = orders[sort] ?? orders['rate'];
  const nodes = graph.nodes
    .filter((node) => node.name.toLowerCase().includes(find))
    .sort((one, other) => (order ? order(other) - order(one) : 0));
  const heading = (key: string, text: string) => (
    <th class="num" aria-sort={sort === key ? 'descending' : undefined}>
      <button type="button" onClick={() => change({ sort: key === 'rate' ? null : key }, 'replace')}>
        {text}
        {sort === key ? ' ↓' : ''}
      </button>
    </th>
  );
  return (
    <>
      <div class="map-find">
        <Typed
          label="Find a service"
          value={params.get('find') ?? ''}
          onValue={(value, first) => change({ find: value }, first ? 'push' : 'replace')}
        />
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>Service</th>
            {heading('rate', 'Rate')}
            {heading('errors', 'Failed')}
            {heading('p95', 'p95')}
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.name}>
              <td class="cut">
                <ServiceName name={node.name} href={linkHere({ focus: node.name })} />
              </td>
              <td class="num">{node.rates ? rate(node.rates.count / seconds) : '–'}</td>
              <td class={node.rates?.errors ? 'num bad' : 'num'}>
                {node.rates ? percent(errorShare(node.rates)) : '–'}
              </td>
              <td class="num">{node.rates ? duration(node.rates.p95_us) : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {nodes.length === 0 && <p class="map-none dim">No service is called so.</p>}
    </>
  );
}

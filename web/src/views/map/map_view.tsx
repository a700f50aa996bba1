import './map.css';
import { useMemo } from 'preact/hooks';
import { edgeRates, serviceRates } from '../../api/rates';
import { useQuery } from '../../api/use_query';
import { count } from '../../format/number';
import { makeGraph } from '../../model/graph';
import { rangeKey, rangeNow } from '../../range';
import { usePlace } from '../../route';
import { Empty, Failed, Loading } from '../../ui/state';
import { useTitle } from '../../ui/title';
import { FocusPanel } from './focus_panel';
import { MapDrawing } from './map_drawing';
import { ServiceList } from './service_list';

const kEvery_ms = 5000;

export function MapView() {
  useTitle('Map');
  const { params } = usePlace();
  const range = rangeNow(params);
  const answer = useQuery(
    `map ${rangeKey(params)}`,
    async (signal) => {
      const now = rangeNow();
      const [services, edges] = await Promise.all([serviceRates(now, signal), edgeRates(now, signal)]);
      return makeGraph(services, edges);
    },
    { every_ms: range.last ? kEvery_ms : 0 },
  );
  const focus = params.get('focus');
  const seconds = (range.end_us - range.start_us) / 1e6;
  const graph = useMemo(() => answer.data, [answer.data]);
  if (answer.error && !graph) return <Failed heading="Services" error={answer.error} again={answer.again} />;
  if (!graph) return <Loading heading="Services" what="the map" />;
  if (graph.nodes.length === 0) {
    return (
      <Empty heading="Services" title="Nothing was seen in this stretch of time">
        <p>
          Services appear here as soon as exchanges arrive. Look at a longer stretch (top right), send OTLP to
          this gateway (4317 for gRPC, 4318 for HTTP), or start an agent on a machine with traffic:
        </p>
        <code>wirespan-agent run</code>
      </Empty>
    );
  }
  return (
    <div class="map-page">
      <div class="map-main">
        <div class="map-head">
          <h1>Services</h1>
          <span class="dim">
            {count(graph.nodes.length)} services, {count(graph.edges.length)} connections
          </span>
          {range.last && !answer.error && <span class="live-mark">live</span>}
          {answer.error && <span class="bad">{answer.error.message}</span>}
        </div>
        <MapDrawing graph={graph} focus={focus} seconds={seconds} />
      </div>
      <aside class="map-side" aria-label={focus ? 'The chosen service' : 'All services'}>
        {focus ? (
          <FocusPanel graph={graph} name={focus} seconds={seconds} />
        ) : (
          <ServiceList graph={graph} seconds={seconds} />
        )}
      </aside>
    </div>
  );
}

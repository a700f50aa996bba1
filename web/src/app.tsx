import { useErrorBoundary } from 'preact/hooks';
import { linkTo, usePlace } from './route';
import { Shell } from './ui/shell';
import { Empty, Failed } from './ui/state';
import { CoverageView } from './views/coverage/coverage_view';
import { LiveView } from './views/live/live_view';
import { MapView } from './views/map/map_view';
import { SearchView } from './views/search/search_view';
import { ServiceView } from './views/service/service_view';
import { TraceView } from './views/trace/trace_view';

function Current({ path }: { path: string }) {
  const trace = /^\/trace\/([0-9a-fA-F]{1,32})\/?$/.exec(path);
  if (trace?.[1]) return <TraceView key={trace[1]} id={trace[1].toLowerCase()} />;
  switch (path.length > 1 ? path.replace(/\/$/, '') : path) {
    case '/':
    case '/map':
      return <MapView />;
    case '/service':
      return <ServiceView />;
    case '/search':
      return <SearchView />;
    case '/live':
      return <LiveView />;
    case '/coverage':
      return <CoverageView />;
  }
  return (
    <Empty heading="Not found" title="There is no such view">
      <p>
        The address may be mistyped. Start from the <a href={linkTo('/')}>map</a> or{' '}
        <a href={linkTo('/search')}>search for a trace</a>.
      </p>
    </Empty>
  );
}

export function App() {
  const place = usePlace();
  const [broken, mend] = useErrorBoundary();
  return (
    <Shell>
      {broken ? (
        <Failed heading="Error" error={broken as Error} again={mend} />
      ) : (
        <Current path={place.path} />
      )}
    </Shell>
  );
}

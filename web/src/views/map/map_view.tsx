import { Empty } from '../../ui/state';

export function MapView() {
  return <Empty title="Map" />;
}

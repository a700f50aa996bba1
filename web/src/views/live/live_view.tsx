import { Empty } from '../../ui/state';

export function LiveView() {
  return <Empty title="Live" />;
}

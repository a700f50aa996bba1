import { Empty } from '../../ui/state';

export function ServiceView() {
  return <Empty title="Service" />;
}

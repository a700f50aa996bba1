import { Empty } from '../../ui/state';

export function CoverageView() {
  return <Empty title="Coverage" />;
}

// Lays graphs out beside the page's own thread: hundreds of services take a moment.
import { layOut, type Shape } from './layout';

addEventListener('message', (event: MessageEvent<{ id: number; shape: Shape; aspect: number }>) => {
  const { id, shape, aspect } = event.data;
  postMessage({ id, layout: layOut(shape, aspect) });
});

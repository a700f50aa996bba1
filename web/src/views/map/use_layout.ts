import { useEffect, useRef, useState } from 'preact/hooks';
import { shapeKey, type Graph } from '../../model/graph';
import type { Layout } from './layout';

let worker: Worker | null = null;
let asked = 0;

function start(): Worker {
  worker ??= new Worker(new URL('./layout_worker.ts', import.meta.url), { type: 'module' });
  return worker;
}

/** The layout for a graph's shape; while another is worked out, the one before it (which may lack some services). */
export function useLayout(graph: Graph, aspect: number): Layout | null {
  const [layout, set] = useState<Layout | null>(null);
  const key = shapeKey(graph);
  const latest = useRef(graph);
  latest.current = graph;
  const coarse = Math.round(aspect * 4) / 4;
  useEffect(() => {
    const id = ++asked;
    const of = start();
    const take = (event: MessageEvent<{ id: number; layout: Layout }>) => {
      if (event.data.id === id) set(event.data.layout);
    };
    of.addEventListener('message', take);
    of.postMessage({
      id,
      aspect: coarse,
      shape: {
        nodes: latest.current.nodes.map((node) => node.name),
        edges: latest.current.edges.map((edge) => [edge.client, edge.server]),
      },
    });
    return () => of.removeEventListener('message', take);
  }, [key, coarse]);
  return layout;
}

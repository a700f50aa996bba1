import { useState } from 'preact/hooks';
import { around, type Graph } from '../../model/graph';
import { Icon } from '../../ui/icons';
import { useSize } from '../../ui/use_size';
import { kMostLarge } from './layout';
import { MapEdge } from './map_edge';
import { MapNode } from './map_node';
import { useCamera } from './use_camera';
import { useLayout } from './use_layout';

const kMostLabels = 14; // edges; with more only those of the service under the pointer say their rates

function Arrow({ id }: { id: string }) {
  return (
    <marker
      id={id}
      class={id}
      viewBox="0 0 8 8"
      refX="6"
      refY="4"
      markerWidth="9"
      markerHeight="9"
      markerUnits="userSpaceOnUse"
      orient="auto"
    >
      <path d="M0,0.5 7,4 0,7.5z" />
    </marker>
  );
}

export function MapDrawing({
  graph,
  focus,
  seconds,
}: {
  graph: Graph;
  focus: string | null;
  seconds: number;
}) {
  const [box, width, height] = useSize();
  const [over, setOver] = useState<string | null>(null);
  // Among many, a service is shown with its neighbours alone: there is room for numbers then.
  const crowded = graph.nodes.length > kMostLarge;
  const shown = focus && crowded ? around(graph, focus) : graph;
  const layout = useLayout(shown, height > 0 ? width / height : 1.5);
  const { camera, svg, zoom, whole, onPointerDown, onClick } = useCamera(layout, { width, height });
  const lit = over ?? focus;
  const near = lit ? new Set(around(shown, lit).nodes.map((node) => node.name)) : null;
  const view = `${camera.x} ${camera.y} ${Math.max(1, width / camera.scale)} ${Math.max(1, height / camera.scale)}`;
  return (
    <div class="map-drawing" ref={box}>
      <svg
        ref={svg}
        viewBox={view}
        width={width}
        height={height}
        role="group"
        aria-label={`${shown.nodes.length} services and ${shown.edges.length} connections between them`}
        onPointerDown={onPointerDown}
        onClickCapture={onClick}
      >
        <defs>
          <Arrow id="arrow" />
          <Arrow id="arrow-bad" />
        </defs>
        {layout &&
          shown.edges.map((edge) => {
            const touches = lit !== null && (edge.client === lit || edge.server === lit);
            return (
              <MapEdge
                key={`${edge.client}>${edge.server}`}
                edge={edge}
                layout={layout}
                seconds={seconds}
                lit={touches}
                faint={lit !== null && !touches}
                labelled={!layout.compact && (touches || (lit === null && shown.edges.length <= kMostLabels))}
              />
            );
          })}
        {layout &&
          shown.nodes.map((node) => (
            <MapNode
              key={node.name}
              node={node}
              layout={layout}
              seconds={seconds}
              focused={node.name === focus}
              faint={near !== null && !near.has(node.name)}
              onOver={setOver}
            />
          ))}
      </svg>
      <div class="map-buttons">
        <button
          class="button icon"
          type="button"
          aria-label="Look closer"
          title="Look closer"
          onClick={() => zoom(1.35)}
        >
          <Icon name="plus" />
        </button>
        <button
          class="button icon"
          type="button"
          aria-label="Look from farther away"
          title="Look from farther away"
          onClick={() => zoom(1 / 1.35)}
        >
          <Icon name="minus" />
        </button>
        <button class="button icon" type="button" aria-label="Show all" title="Show all" onClick={whole}>
          <Icon name="fit" />
        </button>
      </div>
    </div>
  );
}

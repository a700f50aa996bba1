import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface Camera {
  x: number; // what of the drawing stands at the left edge
  y: number;
  scale: number; // screen pixels for one of the drawing
}

interface Size {
  width: number;
  height: number;
}

const kMost = 2.5;

/** All of it; on a narrow screen its left side in a size that can be read. */
export function fit(drawing: Size, screen: Size): Camera {
  const whole = Math.min(1.15, screen.width / drawing.width, screen.height / drawing.height) || 1;
  const scale = screen.width < 700 ? Math.max(0.6, whole) : whole;
  return {
    scale,
    x: Math.min(0, drawing.width / 2 - screen.width / 2 / scale),
    y: drawing.height / 2 - screen.height / 2 / scale,
  };
}

/** Dragging moves, the wheel zooms around the pointer; a new drawing is shown whole. */
export function useCamera(drawing: Size | null, screen: Size) {
  const [camera, set] = useState<Camera>({ x: 0, y: 0, scale: 1 });
  const svg = useRef<SVGSVGElement>(null);
  const dragged = useRef(false);
  const whole = () => {
    if (drawing && screen.width > 0) set(fit(drawing, screen));
  };
  useLayoutEffect(whole, [drawing, screen.width, screen.height]);

  const zoom = (factor: number, at_x = screen.width / 2, at_y = screen.height / 2) =>
    set((before) => {
      const scale = Math.min(kMost, Math.max(0.05, before.scale * factor));
      return {
        scale,
        x: before.x + at_x / before.scale - at_x / scale,
        y: before.y + at_y / before.scale - at_y / scale,
      };
    });

  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const place = element.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - place.left, event.clientY - place.top);
    };
    // Not as a JSX handler: those may be passive, and the page must not scroll meanwhile.
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  });

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    dragged.current = false;
    const from = { x: event.clientX, y: event.clientY, camera };
    const move = (next: PointerEvent) => {
      const by_x = next.clientX - from.x;
      const by_y = next.clientY - from.y;
      if (Math.abs(by_x) + Math.abs(by_y) > 4) dragged.current = true;
      if (!dragged.current) return;
      const { scale } = from.camera;
      set({ scale, x: from.camera.x - by_x / scale, y: from.camera.y - by_y / scale });
    };
    const up = () => {
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', up);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', up);
  };
  /** A drag that ends on a link is no click. */
  const onClick = (event: MouseEvent) => {
    if (!dragged.current) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { camera, svg, zoom, whole, onPointerDown, onClick };
}

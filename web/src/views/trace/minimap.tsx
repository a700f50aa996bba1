// The whole trace in a strip: one line a span where there is room. Dragging over it chooses the stretch below; a double
// click shows all again. The buttons beside it do the same for the keyboard.
import { useEffect, useRef, useState } from 'preact/hooks';
import { colour, hueOf } from '../../model/colour';
import type { Trace } from '../../model/trace';
import { useTheme } from '../../theme';
import { useSize } from '../../ui/use_size';
import { whole, type Window } from './window';

const kHeight = 56;

function paint(canvas: HTMLCanvasElement, trace: Trace, width: number, dark: boolean): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = kHeight * scale;
  const context = canvas.getContext('2d');
  if (!context) return;
  context.scale(scale, scale);
  const length = Math.max(1, trace.end_us - trace.start_us);
  const line = Math.min(3, (kHeight - 8) / trace.spans.length);
  const error = colour('--error-fill');
  const light = dark ? 0.72 : 0.6;
  context.globalAlpha = line < 1 ? 0.75 : 0.95;
  for (const span of trace.spans) {
    const x = ((span.start_us - trace.start_us) / length) * width;
    const y = 4 + (span.index / trace.spans.length) * (kHeight - 8);
    context.fillStyle = span.error ? error : `oklch(${light} 0.11 ${hueOf(span.service)})`;
    context.fillRect(x, y, Math.max(1, (span.duration_us / length) * width), Math.max(0.7, line * 0.8));
  }
}

export function Minimap({
  trace,
  shown,
  onWindow,
}: {
  trace: Trace;
  shown: Window;
  onWindow: (window: Window) => void;
}) {
  const [box, width] = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const { dark } = useTheme();
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const all = whole(trace);
  useEffect(() => {
    if (canvas.current && width > 0) paint(canvas.current, trace, width, dark);
  }, [trace, width, dark]);

  const at = (event: PointerEvent) => {
    const place = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - place.left) / place.width));
  };
  const end = () => {
    if (drag && Math.abs(drag.to - drag.from) * width > 4) {
      const from = Math.min(drag.from, drag.to) * all.to_us;
      const to = Math.max(drag.from, drag.to) * all.to_us;
      onWindow({ from_us: from, to_us: Math.max(to, from + 1) });
    }
    setDrag(null);
  };
  const left = drag ? Math.min(drag.from, drag.to) : shown.from_us / all.to_us;
  const right = drag ? Math.max(drag.from, drag.to) : shown.to_us / all.to_us;
  return (
    <div
      class="minimap"
      ref={box}
      title="Drag to look closer, double click for all"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: at(event), to: at(event) });
      }}
      onPointerMove={(event) => drag && setDrag({ from: drag.from, to: at(event) })}
      onPointerUp={end}
      onDblClick={() => onWindow(all)}
    >
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${kHeight}px` }} aria-hidden="true" />
      {left > 0 && <div class="veil" style={{ left: 0, width: `${left * 100}%` }} />}
      {right < 1 && <div class="veil" style={{ left: `${right * 100}%`, right: 0 }} />}
    </div>
  );
}

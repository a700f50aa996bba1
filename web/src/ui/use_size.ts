import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** The width and height of an element as it is laid out, in CSS pixels; 0 before that. */
export function useSize(): [ref: { current: HTMLDivElement | null }, width: number, height: number] {
  const ref = useRef<HTMLDivElement>(null);
  const [size, set] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const next = { width: element.clientWidth, height: element.clientHeight };
      set((last) => (last.width === next.width && last.height === next.height ? last : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size.width, size.height];
}

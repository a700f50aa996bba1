// A service has the same hue in every view. Reds are left to errors.
const kHues = [205, 165, 285, 75, 235, 130, 320, 55, 185, 260, 100, 300, 220, 150, 340, 90];

const known = new Map<string, number>();

export function hueOf(service: string): number {
  const seen = known.get(service);
  if (seen !== undefined) return seen;
  let hash = 2166136261;
  for (let at = 0; at < service.length; at++) hash = Math.imul(hash ^ service.charCodeAt(at), 16777619);
  const hue = kHues[(hash >>> 8) % kHues.length] ?? 205;
  if (known.size < 5000) known.set(service, hue);
  return hue;
}

/** Gives an element, and what is in it, the service's colour as var(--service). */
export function hueStyle(service: string): Record<string, string> {
  const hue = hueOf(service);
  return { '--service': `light-dark(oklch(0.58 0.11 ${hue}), oklch(0.74 0.11 ${hue}))` };
}

/** A colour of the style sheet as a canvas takes it, for the theme that is on. */
export function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

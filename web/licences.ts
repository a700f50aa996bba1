import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;

interface Package {
  version: string;
  license: string;
  dependencies?: Record<string, string>;
}

function read(folder: string): Package {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;
}

/** The packages that become part of the page, with those that they need. */
function bundled(folder: string, found = new Map<string, string>()): Map<string, string> {
  for (const name of Object.keys(read(folder).dependencies ?? {})) {
    const place = join(here, 'node_modules', name);
    if (found.has(name) || !existsSync(place)) continue;
    found.set(name, place);
    bundled(place, found);
  }
  return found;
}

/** /licenses.txt: whose work the page contains, in their words, as their licences demand. */
export function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle() {
      const parts = [...bundled(here)].map(([name, folder]) => {
        const { version, license } = read(folder);
        const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
        if (!file)
          throw new Error(`${name} has no licence text: look at it before it becomes part of the page`);
        return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
      });
      this.emitFile({
        type: 'asset',
        fileName: 'licenses.txt',
        source: parts.join(`\n${'-'.repeat(72)}\n\n`),
      });
    },
  };
}

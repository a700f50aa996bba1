import type { Tag } from '../../api/jaeger';
import { linkTo } from '../../route';

function quoted(value: string): string {
  return /[\s"]/.test(value) || value === '' ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

/** Attributes by name; each value leads to the traces that have it. */
export function TagTable({ tags, service }: { tags: Tag[]; service: string }) {
  const sorted = [...tags].sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  return (
    <table class="tags">
      <tbody>
        {sorted.map((tag, at) => (
          <tr key={`${tag.key} ${at}`}>
            <th scope="row">{tag.key}</th>
            <td>
              <a
                href={linkTo('/search', { service, attr: `${tag.key}=${quoted(String(tag.value))}` })}
                title="Search for traces that have it"
              >
                {String(tag.value)}
              </a>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

// Questions to the server that the page came from. What goes wrong becomes a sentence that says what to do.

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export type Parameters = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

function sentence(status: number, body: unknown): string {
  const object = body as { error?: unknown; errors?: { msg?: unknown }[] | null } | null;
  if (typeof object?.error === 'string') return object.error;
  const first = object?.errors?.[0]?.msg;
  return typeof first === 'string' ? first : `the gateway answered ${status}`;
}

export async function ask<T>(url: string, signal?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url, { signal: signal ?? null, headers: { Accept: 'application/json' } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The gateway does not answer. Is wirespan-gateway running?');
  }
  let body: unknown = null;
  try {
    body = await answer.json();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    if (answer.ok)
      throw new ApiError(answer.status, 'The gateway’s answer was cut off. Ask again, or for less.');
  }
  if (answer.status === 503)
    throw new ApiError(503, 'The gateway has too many questions at once. Try again in a second.');
  if (!answer.ok) throw new ApiError(answer.status, sentence(answer.status, body));
  return body as T;
}

// What stands where data will stand: nothing yet, nothing at all, or not to be had. Each says what to do.
import type { ComponentChildren } from 'preact';

export function Loading({ what }: { what: string }) {
  return (
    <div class="state" role="status">
      <div class="spinner" />
      <p>Loading {what} …</p>
    </div>
  );
}

export function Failed({ error, again }: { error: Error; again: () => void }) {
  return (
    <div class="state" role="alert">
      <strong>This could not be shown</strong>
      <p>{error.message}</p>
      <button class="button" type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state" role="status">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

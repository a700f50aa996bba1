// What stands where data will stand: nothing yet, nothing at all, or not to be had. Each says what to do.
import type { ComponentChildren } from 'preact';

/** `heading`: where the state is the whole view, what the view is called, for those who hear it. */
function Heading({ text }: { text: string | undefined }) {
  return text ? <h1 class="sr-only">{text}</h1> : null;
}

export function Loading({ what, heading }: { what: string; heading?: string }) {
  return (
    <div class="state" role="status">
      <Heading text={heading} />
      <div class="spinner" />
      <p>Loading {what} …</p>
    </div>
  );
}

export function Failed({ error, again, heading }: { error: Error; again: () => void; heading?: string }) {
  return (
    <div class="state" role="alert">
      <Heading text={heading} />
      <strong>This could not be shown</strong>
      <p>{error.message}</p>
      <button class="button" type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

export function Empty({
  title,
  heading,
  children,
}: {
  title: string;
  heading?: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="state" role="status">
      <Heading text={heading} />
      <strong>{title}</strong>
      {children}
    </div>
  );
}

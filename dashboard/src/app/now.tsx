// One clock for all that shows an age, so that the page draws once a second and not once per cell.

import { useSyncExternalStore } from "react";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const told of listeners) told();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function read(): number {
  // Nobody counts: whoever asks first begins with the time as it is.
  if (timer === undefined) now = Math.floor(Date.now() / 1_000) * 1_000;
  return now;
}

/** The time in milliseconds, a second old at most. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, read);
}

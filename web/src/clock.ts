/** The one source of time. Everything that waits or measures takes a clock, so tests run in virtual time. */
export interface Clock {
  /** Monotonic seconds since an arbitrary start. */
  now(): number;
  /** Call `action` once, `seconds` from now, unless the returned function is called before. */
  after(seconds: number, action: () => void): () => void;
}

/** The browser's monotonic clock. */
export const realClock: Clock = {
  now: () => performance.now() / 1000,
  after(seconds, action) {
    const timer = setTimeout(action, Math.max(0, seconds * 1000));
    return () => clearTimeout(timer);
  },
};

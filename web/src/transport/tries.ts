import type { Clock } from "../clock.js";
import type { AvatarError } from "../errors.js";

const MOST_TRIES = 3;
const FIRST_DELAY_S = 0.5;

/** The cause of an error: a downloaded file is not the one that was announced. */
export class WrongContent extends Error {}

/** Three tries in all for faults that may pass, with growing waits; one more, at once, for wrong content. */
export class Tries {
  private failures = 0;
  private wrongContent = false;

  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  /** Wait until the next try, or throw `reason` when there is none. */
  async wait(reason: AvatarError): Promise<void> {
    if (this.signal.aborted) throw reason;
    if (reason.cause instanceof WrongContent) {
      if (this.wrongContent) throw reason;
      this.wrongContent = true;
      return;
    }
    if (!reason.retryable || ++this.failures >= MOST_TRIES) throw reason;
    const delay = FIRST_DELAY_S * 2 ** (this.failures - 1) * (0.75 + 0.5 * Math.random()); // spreads clients over time
    await new Promise<void>((done) => {
      const cancel = this.clock.after(delay, done);
      this.signal.addEventListener("abort", () => (cancel(), done()), { once: true });
    });
    if (this.signal.aborted) throw reason;
  }
}

import type { Clock } from "../../src/clock.js";

/** A clock that moves only when told to. */
export class VirtualClock implements Clock {
  private time: number;
  private timers: { at: number; action: () => void }[] = [];

  constructor(start = 0) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  after(seconds: number, action: () => void): () => void {
    const timer = { at: this.time + seconds, action };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((other) => other !== timer));
  }

  /** Set the time, which may only grow, without letting timers run. */
  set(time: number): void {
    this.time = time;
  }

  /** Move on, letting timers run in order and promises settle between. */
  async advance(seconds: number): Promise<void> {
    const target = this.time + seconds;
    await settle();
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= target + 1e-9).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.action();
      await settle();
    }
    this.time = target;
    await settle();
  }
}

/** Let everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 40; i++) await Promise.resolve();
  await new Promise((done) => setImmediate(done));
}

import type { PlayerReport } from "./player-worklet.js";

interface Run {
  /** Frame of the audio clock and samples played at its start. */
  readonly frame: number;
  readonly played: number;
  /** Samples played at its end; infinite while it goes on. */
  until: number;
}

/**
 * From the player's reports to how many samples were played when the audio clock stood at a given frame. The
 * clock that is asked about lags behind the reports by the output latency.
 */
export class Runs {
  private runs: Run[] = [];

  /** Take a report. */
  report({ frame, played, running }: PlayerReport): void {
    const last = this.runs[this.runs.length - 1];
    if (!running) {
      if (last) last.until = played;
    } else if (!last || last.until !== Infinity) {
      this.runs.push({ frame, played, until: Infinity });
    }
    if (this.runs.length > 32) this.runs.shift();
  }

  /** Samples played when the clock stood at `frame`. */
  playedAt(frame: number): number {
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const run = this.runs[i]!;
      if (frame >= run.frame) return Math.min(run.played + frame - run.frame, run.until);
    }
    return this.runs[0]?.played ?? 0;
  }

  clear(): void {
    this.runs = [];
  }
}

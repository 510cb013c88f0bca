import type { FrameRateInfo } from "../types.js";

const WINDOW_S = 2;
const JANK_S = 0.05;
const TELL_S = 0.5;

/** Frame statistics over the last two seconds. Costs nothing while it is not fed. */
export class FrameStats {
  private frames: { at: number; took: number }[] = [];
  private toldAt = -Infinity;

  /** Forget everything. */
  clear(): void {
    this.frames.length = 0;
    this.toldAt = -Infinity;
  }

  /**
   * A frame was drawn at `at` seconds and took `took` seconds of the main thread; returns the statistics when it is
   * time to tell them.
   */
  drawn(at: number, took: number): FrameRateInfo | null {
    this.frames.push({ at, took });
    while (this.frames[0]!.at <= at - WINDOW_S) this.frames.shift();
    if (at < this.toldAt + TELL_S) return null;
    this.toldAt = at;
    return this.info();
  }

  private info(): FrameRateInfo {
    const { frames } = this;
    const gaps = frames.slice(1).map((frame, i) => frame.at - frames[i]!.at);
    const sorted = gaps.map((gap) => gap * 1000).sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
    const sum = (list: number[]): number => list.reduce((all, x) => all + x, 0);
    return {
      fps: gaps.length / sum(gaps), // NaN of one frame
      renderMs: (1000 * sum(frames.map(({ took }) => took))) / frames.length,
      frameMsP95: at(0.95),
      frameMsP99: at(0.99),
      jankRatio: gaps.filter((gap) => gap > JANK_S).length / gaps.length,
      frames: frames.length,
    };
  }
}

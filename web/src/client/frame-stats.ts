import type { FrameRateInfo } from "../types.js";

const WINDOW_S = 2;
const JANK_S = 0.05;

/** Frame statistics over the last two seconds. */
export class FrameStats {
  private frames: { at: number; took: number }[] = [];

  /** A frame was drawn at `at` seconds and took `took` seconds of the main thread. */
  add(at: number, took: number): void {
    this.frames.push({ at, took });
    while (this.frames.length && this.frames[0]!.at < at - WINDOW_S) this.frames.shift();
  }

  /** The statistics, or `null` before there are two frames. */
  info(): FrameRateInfo | null {
    const { frames } = this;
    if (frames.length < 2) return null;
    const times = frames.map((frame) => frame.took * 1000).sort((a, b) => a - b);
    const span = frames[frames.length - 1]!.at - frames[0]!.at;
    const gaps = frames.slice(1).map((frame, i) => frame.at - frames[i]!.at);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
    return {
      fps: span > 0 ? (frames.length - 1) / span : 0,
      frameMs: times.reduce((sum, x) => sum + x, 0) / times.length,
      frameMsP95: at(0.95),
      frameMsP99: at(0.99),
      jankRatio: gaps.filter((gap) => gap > JANK_S).length / gaps.length,
    };
  }
}

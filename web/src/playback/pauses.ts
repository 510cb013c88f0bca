/** Where the voice pauses: found in the audio itself, when it is queued. */

const WINDOW_S = 0.02;
const SHORTEST_S = 0.16;
/** A window is silent at less than this share of the recent peak, about -24 dB. */
const UNDER_PEAK = 0.06;
const FLOOR = 80;
/** Of the followed peak, a window: half in 1.4 s. */
const PEAK_DECAY = 0.99;

/** Finds onsets of speech pauses of 0.16 s and more in samples as they come. */
export class PauseFinder {
  private readonly window: number;
  private sum = 0;
  private count = 0;
  private position = 0;
  private peak = 0;
  private quiet = 0; // windows in a row
  private spoke = false;
  private onsets: number[] = [];

  constructor(sampleRate: number) {
    this.window = Math.max(1, Math.round(sampleRate * WINDOW_S));
  }

  /** Take samples that follow those before. */
  push(samples: Int16Array): void {
    for (const x of samples) {
      this.sum += x * x;
      if (++this.count === this.window) {
        this.measure(Math.sqrt(this.sum / this.window));
        this.sum = this.count = 0;
      }
    }
  }

  /** Whether a pause began up to a heard position since the last call. */
  take(heard: number): boolean {
    const before = this.onsets.length;
    this.onsets = this.onsets.filter((onset) => onset > heard);
    return this.onsets.length < before;
  }

  private measure(level: number): void {
    this.peak = Math.max(level, this.peak * PEAK_DECAY);
    this.position += this.window;
    if (level > Math.max(this.peak * UNDER_PEAK, FLOOR)) {
      this.quiet = 0;
      this.spoke = true;
      return;
    }
    this.quiet++;
    if (this.spoke && this.quiet * WINDOW_S >= SHORTEST_S) {
      this.onsets.push(this.position - this.quiet * this.window);
      this.spoke = false;
    }
  }
}

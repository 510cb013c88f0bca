/**
 * Into speech and out of it: a cross-fade from what was shown last to what shall be shown now. Because a fade
 * always starts from the pose that was really shown, another one can interrupt it at any moment.
 */

import { ARKIT_NAMES, HEAD_COUNT, WEIGHT_COUNT, type Pose } from "../frames.js";

const FRAME_S = 1 / 25;

/** Seconds that a fade takes for the mouth (lips, jaw, tongue, cheeks) and for all else. */
export interface Fade {
  readonly mouth: number;
  readonly rest: number;
}

export const INTO_SPEECH: Fade = { mouth: 8 * FRAME_S, rest: 8 * FRAME_S };
export const OUT_OF_SPEECH: Fade = { mouth: 20 * FRAME_S, rest: 20 * FRAME_S };
/** The mouth shuts within 160 ms. */
export const INTERRUPTED: Fade = { mouth: 4 * FRAME_S, rest: 20 * FRAME_S };

const WIDTH = WEIGHT_COUNT + HEAD_COUNT + 1;
const IS_MOUTH = ARKIT_NAMES.map((name) => /^(jaw|mouth|tongue|cheekPuff)/.test(name));

/** 1 - (1 - x)^3 on 0..1, clamped: quick at first, so that the lips are not late at the onset of speech. */
export function easeOut(x: number): number {
  return 1 - (1 - Math.min(Math.max(x, 0), 1)) ** 3;
}

/** What speech adds to the living face: a pose, and how much the avatar is speaking (0..1). */
export class SpeechLayer {
  private from = new Float32Array(WIDTH);
  private shown = new Float32Array(WIDTH);
  private shownAt = -Infinity;
  private before = { shown: this.shown, at: this.shownAt }; // the frame before the last one
  private fade = OUT_OF_SPEECH;
  private fadeStart = -Infinity;
  private speaking = false;

  /** Whether the last change went into speech. */
  get isSpeaking(): boolean {
    return this.speaking;
  }

  /** Begin to fade into speech, unless that has begun already. */
  enter(now: number): void {
    if (!this.speaking) this.begin(INTO_SPEECH, now, true);
  }

  /** Begin to fade to rest. A quicker fade takes over from a slower one that is under way. */
  leave(now: number, fade: Fade = OUT_OF_SPEECH): void {
    if (this.speaking || (fade.mouth < this.fade.mouth && now < this.fadeStart + this.fade.mouth)) {
      this.begin(fade, now, false);
    }
  }

  /** Forget the last frame if its time has not come: it was drawn ahead, and will not be shown. */
  takeBack(now: number): void {
    if (this.shownAt > now) {
      this.shown = this.before.shown;
      this.shownAt = this.before.at;
    }
  }

  /** The layer at clock time `at`, fading towards `target` (`null`: rest), and the share of speech. */
  show(target: Pose | null, at: number): { pose: Pose; share: number } {
    const goal = target !== null && this.speaking ? target : null;
    const elapsed = at - this.fadeStart;
    const mouth = easeOut(elapsed / this.fade.mouth);
    const rest = easeOut(elapsed / this.fade.rest);
    const shown = new Float32Array(WIDTH);
    for (let i = 0; i < WIDTH; i++) {
      let to = 0;
      if (goal) to = i < WEIGHT_COUNT ? goal.weights[i]! : i < WIDTH - 1 ? goal.head[i - WEIGHT_COUNT]! : 1;
      shown[i] = this.from[i]! + (to - this.from[i]!) * (IS_MOUTH[i] ? mouth : rest);
    }
    this.before = { shown: this.shown, at: this.shownAt };
    this.shown = shown;
    this.shownAt = at;
    return {
      pose: { weights: shown.subarray(0, WEIGHT_COUNT), head: shown.subarray(WEIGHT_COUNT, WIDTH - 1) },
      share: shown[WIDTH - 1]!,
    };
  }

  private begin(fade: Fade, now: number, speaking: boolean): void {
    // A fade starts where the last frame was, which may lie a little ahead of the clock or behind it: so the
    // first frame after the change already moves.
    this.from = this.shown;
    this.fade = fade;
    this.fadeStart = this.shownAt > now - 1.5 * FRAME_S ? this.shownAt : now;
    this.speaking = speaking;
  }
}

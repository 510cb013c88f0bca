/** A controller's sound: the speaker that stands in until audio is unlocked, and the one that follows. */

import { openAudioContext } from "../audio/context.js";
import { SilentSpeaker } from "../audio/silent.js";
import type { Speaker } from "../audio/speaker.js";
import { WorkletSpeaker } from "../audio/worklet.js";
import type { Clock } from "../clock.js";
import { error, ErrorCode } from "../errors.js";

/** What a voice is made of. */
export interface VoiceParts {
  readonly clock: Clock;
  readonly speaker: Speaker;
  /** Whether `speaker` only stands in until audio is unlocked. */
  readonly needsUnlock: boolean;
  readonly audioWorkletUrl: string | undefined;
  /** Another speaker plays from now on, at a rate in hertz. */
  readonly onSpeaker: (speaker: Speaker, sampleRate: number) => void;
  /** Called often while sound plays. */
  readonly onTick: () => void;
}

/** Owns the speaker. */
export class Voice {
  private speaker: Speaker;
  private isUnlocked: boolean;
  private unlocking: Promise<void> | null = null;
  private rate = 0;
  private closed = false;

  constructor(private readonly parts: VoiceParts) {
    this.speaker = parts.speaker;
    this.isUnlocked = !parts.needsUnlock;
  }

  /** Whether what is written can be heard. */
  get unlocked(): boolean {
    return this.isUnlocked;
  }

  /** The node of Web Audio that the voice comes from, or `null`. */
  get output(): AudioNode | null {
    return this.speaker instanceof WorkletSpeaker ? this.speaker.output : null;
  }

  /** Open the browser's sound at a rate, in a gesture. Calls while one is under way join it. */
  unlock(sampleRate: number): Promise<void> {
    if (this.isUnlocked) return Promise.resolve();
    this.unlocking ??= this.open(sampleRate).finally(() => (this.unlocking = null));
    return this.unlocking;
  }

  /** Go over to another rate; what plays is cut off. Rejects as {@link unlock}. */
  async changeRate(sampleRate: number): Promise<void> {
    this.rate = sampleRate;
    if (this.speaker instanceof WorkletSpeaker) {
      // The gesture has been made; a new context may be opened without one.
      this.isUnlocked = false;
      this.speaker.close();
      return this.unlock(sampleRate);
    }
    if (this.speaker instanceof SilentSpeaker) this.speaker = new SilentSpeaker(this.parts.clock, sampleRate);
    this.parts.onSpeaker(this.speaker, sampleRate);
  }

  close(): void {
    this.closed = true;
    this.speaker.close();
  }

  private async open(sampleRate: number): Promise<void> {
    this.rate = sampleRate;
    const context = await openAudioContext(sampleRate, this.parts.audioWorkletUrl);
    if (this.closed || this.rate !== sampleRate) {
      void context.close();
      throw error(ErrorCode.playbackInitFailed, "The view was disposed of, or its format changed, meanwhile.");
    }
    this.speaker.close();
    this.speaker = new WorkletSpeaker(context, this.parts.onTick);
    this.parts.onSpeaker(this.speaker, sampleRate);
    this.isUnlocked = true;
  }
}

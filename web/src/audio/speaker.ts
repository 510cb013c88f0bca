/** What a speaker must do: play mono PCM and tell what has been *heard*. That count is the master clock. */
export interface Speaker {
  /** Queue mono samples behind those already queued. */
  write(samples: Int16Array): void;
  /**
   * Samples of written audio that were heard since the start or {@link flush}. Counts only written audio: it
   * stands still when the queue is empty or the speaker is paused. It is corrected for the output latency, so
   * it is a float; it never goes back.
   */
  heardSamples(): number;
  /** Written samples that have not been heard yet. */
  queuedSamples(): number;
  /** Fall silent at once; keep the queue. */
  pause(): void;
  /** Go on from where {@link pause} stopped. */
  resume(): void;
  /** Fall silent at once, drop the queue, and count heard samples from zero again. */
  flush(): void;
  /** Gain 0..1. */
  setVolume(volume: number): void;
  /** Release the device. Idempotent. */
  close(): void;
}

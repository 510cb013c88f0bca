/** How far the making of a character is, and how long it will take yet. */

import type { Job } from "./desk.js";

const TELLING = 20; // percent: from here on its own pace tells more than the last one's

/** Watches one job. Times are seconds of any clock. */
export class Progress {
  private begun: number | null = null;
  private percent = 0;
  private total = 0;
  private shown = 0;

  /** Take in what the server says. */
  update(job: Job, now: number): void {
    if (job.status !== "processing") return;
    this.begun ??= now;
    if (job.percent >= TELLING && job.percent > this.percent) {
      const own = ((now - this.begun) * 100) / job.percent;
      this.total = (job.usualSeconds * (100 - job.percent) + own * job.percent) / 100;
    } else if (!this.total) this.total = job.usualSeconds;
    this.percent = Math.max(this.percent, job.percent);
  }

  /** 0..99, never falling. */
  share(now: number): number {
    const passed = this.begun === null || !this.total ? 0 : ((now - this.begun) / this.total) * 100;
    this.shown = Math.max(this.shown, Math.min(99, Math.max(this.percent, Math.min(passed, this.percent + 30))));
    return this.shown;
  }

  /** In words; empty while there is nothing to say. */
  left(now: number): string {
    if (this.begun === null) return "";
    const seconds = this.total - (now - this.begun);
    if (seconds < 1.5) return "Almost done";
    return `About ${seconds > 20 ? Math.ceil(seconds / 5) * 5 : Math.ceil(seconds)} seconds left`;
  }
}

/** What is being done, for people. */
export function stageText({ status, ahead, stage }: Job): string {
  if (status === "queued") return ahead ? `Waiting: ${ahead} before yours` : "Waiting for its turn";
  if (status === "succeeded") return "Done";
  return stage ? stage[0]!.toUpperCase() + stage.slice(1) : "Beginning";
}

/** Follows a job until it ends, whatever happens to the connection meanwhile. */

import { Refusal, Unreachable } from "../server.js";
import { look, type Job } from "./desk.js";

const EVERY_MS = 400;
const AWAY_MS = 2000;

/** Tells each state of a job; the last one is returned. Rejects with a `Refusal` when the server does not know it. */
export async function follow(job: Job, onState: (job: Job, isAway: boolean) => void): Promise<Job> {
  for (let now = job; ; ) {
    onState(now, false);
    if (now.status === "succeeded" || now.status === "failed") return now;
    await pause(EVERY_MS);
    for (;;) {
      try {
        now = await look(now.id);
        break;
      } catch (reason) {
        const mayPass = reason instanceof Unreachable || (reason instanceof Refusal && (reason.status >= 500 || reason.status === 429));
        if (!mayPass) throw reason;
        onState(now, true);
        await pause(AWAY_MS);
      }
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

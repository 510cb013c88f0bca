/** What the server says about characters made of photos. The visitor's cookie goes along by itself. */

import { ask, type Listed } from "../server.js";

/** Whether characters can be made here, and on which terms. */
export interface Offer {
  readonly isPossible: boolean;
  /** `photosOff` or `photosMissing` where they cannot. */
  readonly code: string;
  readonly reason: string;
  readonly maxBytes: number;
  readonly mostAvatars: number;
  readonly keptHours: number;
}

/** The making of one. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly status: "queued" | "processing" | "succeeded" | "failed";
  /** Jobs that are done before. */
  readonly ahead: number;
  /** What was done when the stage began. */
  readonly percent: number;
  readonly stage: string;
  /** How long the last one took. */
  readonly usualSeconds: number;
  readonly error: { readonly code: string; readonly detail: string; readonly message: string } | null;
  readonly avatar: Listed | null;
}

/** What the visitor has here. */
export interface Mine {
  readonly offer: Offer;
  readonly avatars: readonly Listed[];
  readonly jobs: readonly Job[];
}

/** Ask what there is. Rejects as `ask` does: with status 403 where only those who signed in are served. */
export async function mine(): Promise<Mine> {
  return (await (await ask("/v1/page/avatars")).json()) as Mine;
}

/** Have a character made of a picture whose person agrees. */
export async function create(picture: Blob, name: string): Promise<Job> {
  const query = new URLSearchParams({ name, consent: "true" });
  const reply = await ask(`/v1/page/avatars?${query}`, { method: "POST", body: picture, headers: { "Content-Type": picture.type } });
  return ((await reply.json()) as { job: Job }).job;
}

/** How far it is. */
export async function look(jobId: string): Promise<Job> {
  const reply = await ask(`/v1/page/avatar-jobs/${encodeURIComponent(jobId)}`);
  return ((await reply.json()) as { job: Job }).job;
}

/** Delete a character of the visitor's. */
export async function remove(avatarId: string): Promise<void> {
  await ask(`/v1/page/avatars/${encodeURIComponent(avatarId)}`, { method: "DELETE" });
}

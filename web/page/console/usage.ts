/** Seconds of sessions by hour or day. */

import type { Session } from "./api.js";

/** A span of time and the charged seconds that fall into it. */
export interface Bucket {
  /** Unix seconds. */
  readonly from: number;
  readonly seconds: number;
}

/**
 * Charged seconds of sessions in `count` spans, the last of which holds `now`. Spans begin where the local clock
 * reads a whole hour or day; a session counts in each span for the part that lies in it.
 */
export function usageBy(span: "hour" | "day", count: number, sessions: readonly Session[], now: Date): Bucket[] {
  const edges = Array.from({ length: count + 1 }, (_, i) => edge(span, now, i - count + 1) / 1000);
  return edges.slice(0, count).map((from, i) => {
    const until = edges[i + 1]!;
    let seconds = 0;
    for (const { confirmed_at: began, charged_s } of sessions) {
      if (began !== null) seconds += Math.max(0, Math.min(until, began + charged_s) - Math.max(from, began));
    }
    return { from, seconds };
  });
}

function edge(span: "hour" | "day", now: Date, offset: number): number {
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  if (span === "day") return new Date(year, month, day + offset).getTime();
  return new Date(year, month, day, now.getHours()).getTime() + offset * 3_600_000;
}

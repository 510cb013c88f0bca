/** What a mood changes in how a face lives. */

import type { Mood } from "../types.js";

/** Seconds from one mood to another. */
export const CHANGE_S = 1.5;

/** How a face lives. */
export interface Style {
  /** Median seconds between two blinks. */
  readonly blinkMedian: number;
  /** Share 0..1 of looks that go aside. */
  readonly averted: number;
  /** Mean weight of the smile. */
  readonly smile: number;
  /** Mean weight of the raised inner brow. */
  readonly brow: number;
  /** Weight of the cheeks' squint. */
  readonly squint: number;
  /** How far the upper lids hang, 0..1. */
  readonly droop: number;
  /** Pitch of the head at rest, degrees. */
  readonly bow: number;
  /** Size of the head's sway; 1 is usual. */
  readonly sway: number;
  readonly nodsAMinute: number;
  /** Depth of breath; 1 is usual. */
  readonly breath: number;
}

const NAMES = ["blinkMedian", "averted", "smile", "brow", "squint", "droop", "bow", "sway", "nodsAMinute", "breath"] as const;

function style(...values: number[]): Style {
  return Object.fromEntries(NAMES.map((name, i) => [name, values[i]!])) as unknown as Style;
}

export const STYLES: Record<Mood, Style> = {
  neutral: style(3.1, 0.15, 0.05, 0.05, 0, 0, 0, 1, 1, 1),
  attentive: style(3.6, 0.07, 0.06, 0.08, 0, 0, 1.5, 0.7, 7, 0.8),
  cheerful: style(2.8, 0.14, 0.24, 0.06, 0.12, 0, -1, 1.3, 3, 1.1),
  tired: style(2.2, 0.22, 0.02, 0.03, 0, 0.22, 3.5, 0.8, 0, 1.4),
};

/** The style `share` (0..1) of the way from one to another. */
export function between(a: Style, b: Style, share: number): Style {
  if (share <= 0 || a === b) return a;
  if (share >= 1) return b;
  return style(...NAMES.map((name) => a[name] + (b[name] - a[name]) * share));
}

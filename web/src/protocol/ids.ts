import { MAX_ID_CHARACTERS } from "./limits.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// What cannot be printed: controls, format characters, line and paragraph separators.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** A fresh id: `20260131235959_` (UTC) and twelve random URL-safe characters. */
export function newId(at = new Date()): string {
  const stamp = at.toISOString().replace(/\D/g, "").slice(0, 14);
  const random = crypto.getRandomValues(new Uint8Array(12));
  return `${stamp}_${Array.from(random, (byte) => ALPHABET[byte & 63]).join("")}`;
}

/** Whether an id of the other side can be used; programs may shape ids as they like. */
export function isUsableId(text: string): boolean {
  return text.length > 0 && text.length <= MAX_ID_CHARACTERS && !UNPRINTABLE.test(text);
}

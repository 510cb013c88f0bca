/** Typed reading of untrusted JSON values: each function returns the value or refuses the file with the reason. */

import { error, ErrorCode, type AvatarError } from "../errors.js";

export type Json = Record<string, unknown>;

/** The error for a file that cannot be used; `reason` completes "The avatar file cannot be used: ...". */
export function refuse(reason: string): AvatarError {
  return error(ErrorCode.unsupportedAvatarAsset, `The avatar file cannot be used: ${reason}.`, {
    hint: "Export it again, or choose another file.",
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of objects; empty when absent. */
export function objects(from: Json, name: string): Json[] {
  const value = from[name] ?? [];
  if (!Array.isArray(value) || !value.every(isObject)) throw refuse(`'${name}' is not a list of objects`);
  return value;
}

/** An object; empty when absent. */
export function object(from: Json, name: string): Json {
  const value = from[name] ?? {};
  if (!isObject(value)) throw refuse(`'${name}' is not an object`);
  return value;
}

/** A whole number `low..high`; required unless there is a fallback. */
export function whole(from: Json, name: string, fallback?: number, low = 0, high = 2 ** 32 - 1): number {
  const value = from[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high) {
    throw refuse(`'${name}' is not a whole number from ${low} to ${high}`);
  }
  return value;
}

/** A required index into `items`. */
export function index(from: Json, name: string, items: readonly unknown[]): number {
  const value = from[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= items.length) {
    throw refuse(`'${name}' points to nothing`);
  }
  return value;
}

/** An index into `items`, or `null` when absent. */
export function optionalIndex(from: Json, name: string, items: readonly unknown[]): number | null {
  return name in from ? index(from, name, items) : null;
}

/** A list of indices into `items`; empty when absent. */
export function indices(from: Json, name: string, items: readonly unknown[]): number[] {
  const value = from[name] ?? [];
  if (!Array.isArray(value)) throw refuse(`'${name}' is not a list`);
  return value.map((item) => index({ [name]: item as unknown }, name, items));
}

/** As many finite numbers as the fallback has; the fallback when absent. */
export function numbers<T extends readonly number[]>(from: Json, name: string, fallback: T): T {
  const value = from[name] ?? fallback;
  if (!Array.isArray(value) || value.length !== fallback.length || !value.every(Number.isFinite)) {
    throw refuse(`'${name}' is not a list of ${fallback.length} numbers`);
  }
  return value as unknown as T;
}

/** A finite number; the fallback when absent. */
export function number(from: Json, name: string, fallback: number): number {
  return numbers({ [name]: [from[name] ?? fallback] }, name, [fallback])[0]!;
}

/** A string within the length limit; the fallback when absent. */
export function text(from: Json, name: string, fallback: string, longest = 1000): string {
  const value = from[name] ?? fallback;
  if (typeof value !== "string" || value.length > longest) {
    throw refuse(`'${name}' is not a text of at most ${longest} characters`);
  }
  return value;
}

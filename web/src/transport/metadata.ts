/** What the server says about an avatar. */

import { error, ErrorCode, type AvatarError } from "../errors.js";
import { isUsableId } from "../protocol/ids.js";
import { MAX_ID_CHARACTERS } from "../protocol/limits.js";

/** Largest bundle that is downloaded; a built character has about 2.5 MB. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;

/** The fields of `GET /v1/client/avatars/{id}` that a client needs. */
export interface AvatarMetadata {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** Absolute. */
  readonly bundleUrl: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly minimumSdk: string | null;
}

/** Throw `avatarIDUnrecognized` for an id that no avatar can have. */
export function checkAvatarId(id: unknown): asserts id is string {
  if (typeof id !== "string" || !id.trim() || !isUsableId(id)) {
    throw error(
      ErrorCode.avatarIDUnrecognized,
      `An avatar id has 1 to ${MAX_ID_CHARACTERS} printable characters.`,
    );
  }
}

/**
 * Read decoded JSON. Optional fields may be null or absent, unknown ones are ignored. Throws
 * `invalidAvatarMetadata`, naming the field.
 */
export function parseMetadata(id: string, json: unknown, baseUrl: string): AvatarMetadata {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw invalid("is no object");
  const given = json as Record<string, unknown>;
  const { sha256, size, version } = given;
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) throw invalid("has no valid sha256");
  if (typeof size !== "number" || !Number.isInteger(size) || size < 1 || size > MAX_BUNDLE_BYTES) {
    throw invalid(`has no size of 1..${MAX_BUNDLE_BYTES} bytes`);
  }
  return {
    id,
    name: (text(given.name) ?? id).slice(0, 200),
    version: Number.isInteger(version) && (version as number) > 0 ? (version as number) : 1,
    bundleUrl: bundleUrl(text(given.bundleUrl), baseUrl),
    sha256,
    size,
    minimumSdk: text(given.minimumSdkVersion),
  };
}

/** Whether version `a` is newer than `b`, by their leading dotted numbers. */
export function isNewer(a: string, b: string): boolean {
  const numbers = (version: string): number[] => version.split(".", 4).map((part) => parseInt(part, 10) || 0);
  const left = numbers(a);
  const right = numbers(b);
  for (let i = 0; i < 4; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function bundleUrl(given: string | null, baseUrl: string): string {
  if (given === null) throw invalid("has no bundleUrl");
  let url: URL;
  try {
    url = new URL(given, `${baseUrl}/`);
  } catch {
    throw invalid("has no valid bundleUrl");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw invalid("has a bundleUrl that is not http(s)");
  return url.href;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value ? value : null;
}

function invalid(what: string): AvatarError {
  return error(ErrorCode.invalidAvatarMetadata, `The avatar's description ${what}.`);
}

/** Stage 1, and the end: process-wide settings, the session token, and the release of everything. */

import { error, ErrorCode } from "../errors.js";
import { setLogLevel } from "../log.js";
import {
  SAMPLE_RATES_HZ,
  type AudioFormat,
  type Configuration,
  type DeviceScore,
  type DeviceSupport,
  type RenderQuality,
} from "../types.js";
import { VERSION } from "../version.js";
import { checkSupport, measureDevice } from "./device.js";

const MAX_TOKEN_CHARACTERS = 8192;
const DEFAULT_MAX_HEIGHT = 1440;

/** What `initialize` settled; every field has a value. */
export interface Settings {
  readonly appId: string;
  /** Base URL without a trailing slash. */
  readonly endpoint: string;
  readonly configuration: Readonly<Configuration>;
  readonly audioFormat: Required<AudioFormat>;
  readonly connectTimeoutS: number;
}

/** Something that lives until it is released or the SDK is cleaned up. */
export interface Resource {
  /** Let go. Idempotent. */
  release(): void;
}

const resources = new Set<Resource>();
const renderSettings = { quality: "ultra" as RenderQuality, capEnabled: true, maxHeight: DEFAULT_MAX_HEIGHT };
let inForce: Settings | null = null;
let token: string | null = null;
let user: string | null = null;

/** Process-wide settings. All members are static; there are no instances. */
export class AvatarSDK {
  private constructor() {}

  /** Version of the package. */
  static readonly version = VERSION;

  /**
   * Settle the page's settings. Nothing is contacted, and repeating it with the same settings is all right.
   *
   * Rejects with `appIDUnrecognized` for a blank App ID, `configurationInvalid` for a malformed endpoint or
   * value, `illegalState` for settings other than those in force.
   */
  static async initialize(appId: string, configuration: Configuration = {}): Promise<void> {
    const wanted = settle(appId, configuration);
    if (inForce && JSON.stringify(inForce) !== JSON.stringify(wanted)) {
      throw error(
        ErrorCode.illegalState,
        "AvatarSDK is initialized with other settings. Legal now: initialize() with the same, cleanup().",
      );
    }
    if (!inForce && configuration.renderQuality) renderSettings.quality = configuration.renderQuality;
    inForce = wanted;
    setLogLevel(configuration.logLevel ?? "off");
  }

  /** Whether {@link initialize} has settled the settings. */
  static get isInitialized(): boolean {
    return inForce !== null;
  }

  /** The App ID, or `null` before {@link initialize}. */
  static get appId(): string | null {
    return inForce?.appId ?? null;
  }

  /** The settings, or `null` before {@link initialize}. */
  static get configuration(): Readonly<Configuration> | null {
    return inForce?.configuration ?? null;
  }

  /**
   * Keep the token for the next `start`; legal before and after {@link initialize}. Throws
   * `sessionTokenInvalid` for a blank token or one that no header can carry.
   */
  static setSessionToken(sessionToken: string): void {
    const trimmed = String(sessionToken).trim();
    if (!trimmed || trimmed.length > MAX_TOKEN_CHARACTERS || !/^[\x20-\x7e]+$/.test(trimmed)) {
      throw error(
        ErrorCode.sessionTokenInvalid,
        "The session token is blank or holds characters that no token has.",
        { phase: "authenticate" },
      );
    }
    token = trimmed;
  }

  /** The token in use. It is a secret: do not log it. */
  static get sessionToken(): string | null {
    return token;
  }

  /** Name the user for the app's own records; it is kept here and sent nowhere. */
  static setUserId(id: string): void {
    user = id;
  }

  static get userId(): string | null {
    return user;
  }

  /** Quality of every view from its next frame on. */
  static setRenderQuality(quality: RenderQuality): void {
    renderSettings.quality = quality;
  }

  /** Cap the canvases at `maxHeight` lines (default 1440), or lift the cap, from the next frame on. */
  static setRenderResolutionCap(enabled: boolean, maxHeight = DEFAULT_MAX_HEIGHT): void {
    if (!(maxHeight >= 16 && maxHeight <= 8192)) {
      throw error(ErrorCode.configurationInvalid, "maxHeight must be 16..8192 lines.", { phase: "render" });
    }
    renderSettings.capEnabled = enabled;
    renderSettings.maxHeight = Math.round(maxHeight);
  }

  static get renderResolutionCapEnabled(): boolean {
    return renderSettings.capEnabled;
  }

  static get renderResolutionMaxHeight(): number {
    return renderSettings.maxHeight;
  }

  /** Whether avatars can be shown here; works before {@link initialize}. */
  static async isDeviceSupported(): Promise<boolean> {
    return (await AvatarSDK.checkDeviceSupport()) === "supported";
  }

  /** Why avatars cannot be shown here, or `supported`; works before {@link initialize}. */
  static async checkDeviceSupport(): Promise<DeviceSupport> {
    return checkSupport();
  }

  /** A short benchmark, run once a page; 1 is an ordinary laptop of 2020. */
  static async deviceScore(): Promise<DeviceScore> {
    return measureDevice();
  }

  /** Cancel loads, dispose of every view, forget token and settings. Idempotent; `initialize` may follow. */
  static cleanup(): void {
    for (const resource of [...resources]) resource.release();
    resources.clear();
    inForce = token = user = null;
    Object.assign(renderSettings, { quality: "ultra", capEnabled: true, maxHeight: DEFAULT_MAX_HEIGHT });
  }
}

/** The settings in force. Throws `illegalState` before `initialize`. */
export function settings(): Settings {
  if (!inForce) throw error(ErrorCode.illegalState, "AvatarSDK is not initialized. Legal now: AvatarSDK.initialize().");
  return inForce;
}

/** The token for the next connection, or `null`. */
export function sessionToken(): string | null {
  return token;
}

/** Quality and cap, as they stand now. */
export function rendering(): Readonly<typeof renderSettings> {
  return renderSettings;
}

/** Have `cleanup` release a resource. */
export function adopt(resource: Resource): void {
  resources.add(resource);
}

/** `cleanup` need not release the resource any more. */
export function drop(resource: Resource): void {
  resources.delete(resource);
}

/** A format with every field, checked; throws `configurationInvalid`. */
export function settleFormat(given: AudioFormat, base: Required<AudioFormat>): Required<AudioFormat> {
  const inputAudioFormat = given.inputAudioFormat ?? base.inputAudioFormat;
  if (inputAudioFormat !== "pcm" && inputAudioFormat !== "opus") {
    throw error(ErrorCode.configurationInvalid, "inputAudioFormat must be pcm or opus.");
  }
  const opus = inputAudioFormat === "opus";
  if (opus && given.sampleRate !== undefined && given.sampleRate !== 48000) {
    throw error(ErrorCode.configurationInvalid, "Opus runs at 48000 hertz; leave sampleRate out.");
  }
  const sampleRate = opus ? 48000 : (given.sampleRate ?? base.sampleRate);
  if (!(SAMPLE_RATES_HZ as readonly number[]).includes(sampleRate)) {
    throw error(ErrorCode.configurationInvalid, `sampleRate must be one of ${SAMPLE_RATES_HZ.join(", ")}.`);
  }
  return { sampleRate, inputAudioFormat };
}

function settle(appId: string, configuration: Configuration): Settings {
  const id = String(appId).trim();
  if (!/^[\x20-\x7e]{1,256}$/.test(id)) {
    throw error(ErrorCode.appIDUnrecognized, "The App ID is blank or holds characters that no App ID has.", {
      phase: "initialize",
    });
  }
  const connectTimeoutS = configuration.connectTimeoutS ?? 15;
  if (!(connectTimeoutS > 0 && connectTimeoutS <= 600)) {
    throw error(ErrorCode.configurationInvalid, "connectTimeoutS must be over 0 and at most 600 seconds.");
  }
  return {
    appId: id,
    endpoint: endpointOf(configuration),
    configuration: Object.freeze({ ...configuration }),
    audioFormat: settleFormat(configuration.audioFormat ?? {}, { sampleRate: 16000, inputAudioFormat: "pcm" }),
    connectTimeoutS,
  };
}

function endpointOf({ endpoint }: Configuration): string {
  const given = (endpoint ?? globalThis.location?.origin ?? "").trim();
  let url: URL | null = null;
  try {
    url = new URL(given);
  } catch {
    // Told below.
  }
  const sound = url && /^https?:$/.test(url.protocol) && url.hostname && !url.search && !url.hash && !url.username && !url.password;
  if (!sound) {
    throw error(
      ErrorCode.configurationInvalid,
      "The endpoint must look like http://host:port or https://host, without user, query or fragment.",
      { hint: "Give initialize(appId, { endpoint })." },
    );
  }
  return given.replace(/\/+$/, "");
}

/** Stage 1, and the end: process-wide settings, the session token, and the release of everything. */

import { AvatarError, error, ErrorCode } from "../errors.js";
import { setLogLevel } from "../log.js";
import type {
  AudioFormat,
  Configuration,
  DeviceScore,
  DeviceSupport,
  ReconnectPolicy,
  RenderQuality,
  TokenProvider,
} from "../types.js";
import { VERSION } from "../version.js";
import { checkSupport, measureDevice } from "./device.js";
import { DEFAULT_FORMAT, settleFormat } from "./format.js";
import { chooseEndpoint } from "./regions.js";

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
  readonly reconnect: Required<ReconnectPolicy>;
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
let provider: TokenProvider | null = null;
let user: string | null = null;
let cleanups = 0;

/** Process-wide settings. All members are static; there are no instances. */
export class AvatarSDK {
  private constructor() {}

  /** Version of the package. */
  static readonly version = VERSION;

  /**
   * Settle the page's settings; repeating it with the same is all right. With an endpoint, or a named region, nothing
   * is contacted. Among {@link Configuration.regions} the choice of the last visit is used at once and renewed in the
   * background; at the first visit the bootstrap route is asked for at most five seconds, and the default region
   * serves when it does not answer.
   *
   * Rejects with `appIDUnrecognized` for a blank App ID, `configurationInvalid` for a malformed endpoint or
   * value, `illegalState` for settings other than those in force.
   */
  static async initialize(appId: string, configuration: Configuration = {}): Promise<void> {
    const wanted = settle(appId, configuration);
    if (isInForce(wanted)) return;
    const { endpoint: given, regions, region = "auto" } = configuration;
    let endpoint = given ?? globalThis.location?.origin ?? "";
    if (given === undefined && (regions || region !== "auto")) {
      const before = cleanups;
      endpoint = await chooseEndpoint(regions, region, wanted.appId);
      if (before !== cleanups) throw error(ErrorCode.illegalState, "cleanup() came while AvatarSDK was initialized.");
      if (isInForce(wanted)) return;
    }
    inForce = { ...wanted, endpoint: checkEndpoint(endpoint) };
    if (configuration.renderQuality) renderSettings.quality = configuration.renderQuality;
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

  /**
   * Have tokens fetched when they are needed, instead of {@link setSessionToken}: before every connection, and once
   * more when the server says that the token has expired or is invalid. What the provider throws becomes
   * `tokenRequestFailed`. `null` removes it.
   */
  static setTokenProvider(fetcher: TokenProvider | null): void {
    provider = fetcher;
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
    inForce = token = provider = user = null;
    cleanups++;
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

/** Whether tokens are fetched when they are needed. */
export function hasTokenProvider(): boolean {
  return provider !== null;
}

/** Have the provider fetch a token and keep it. Rejects with `tokenRequestFailed`. */
export async function fetchToken(): Promise<void> {
  let fetched: string;
  try {
    fetched = await provider!();
  } catch (cause) {
    if (cause instanceof AvatarError) throw cause;
    // Its text may hold the backend's answer, so only its kind is told.
    const name = cause instanceof Error ? cause.name : "unknown";
    throw error(ErrorCode.tokenRequestFailed, `The token provider failed: ${name}.`, { cause });
  }
  try {
    AvatarSDK.setSessionToken(fetched);
  } catch {
    throw error(ErrorCode.tokenRequestFailed, "The token provider returned no usable token.");
  }
}

/** Whether these settings are in force; throws `illegalState` when others are. */
function isInForce(wanted: Omit<Settings, "endpoint">): boolean {
  if (!inForce) return false;
  const told = ({ appId, configuration }: Omit<Settings, "endpoint">): string => JSON.stringify([appId, configuration]);
  if (told(inForce) === told(wanted)) return true;
  throw error(
    ErrorCode.illegalState,
    "AvatarSDK is initialized with other settings. Legal now: initialize() with the same, cleanup().",
  );
}

function settle(appId: string, configuration: Configuration): Omit<Settings, "endpoint"> {
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
  const reconnect = { attempts: 0, firstDelayS: 0.5, maxDelayS: 8, ...configuration.reconnect };
  const { attempts, firstDelayS, maxDelayS } = reconnect;
  if (!(attempts >= 0 && attempts <= 100 && firstDelayS > 0 && firstDelayS <= maxDelayS && maxDelayS <= 600)) {
    throw error(ErrorCode.configurationInvalid, "reconnect needs 0..100 attempts and 0 < firstDelayS <= maxDelayS <= 600.");
  }
  const { endpoint } = configuration;
  return {
    appId: id,
    configuration: Object.freeze({ ...configuration, ...(endpoint !== undefined && { endpoint: endpoint.trim() }) }),
    audioFormat: settleFormat(configuration.audioFormat ?? {}, DEFAULT_FORMAT),
    connectTimeoutS,
    reconnect,
  };
}

function checkEndpoint(endpoint: string): string {
  const given = endpoint.trim();
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

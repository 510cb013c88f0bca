/**
 * Every error that the package raises on purpose: one class, told apart by its stable {@link ErrorCode}.
 * Codes, phases and retry advice are those of the Python SDK.
 */

/** The step of the lifecycle in which an error happened. */
export type Phase = "initialize" | "load" | "render" | "authenticate" | "connect" | "interact" | "cleanup";

/** Stable error codes. */
export const ErrorCode = {
  appIDUnrecognized: "appIDUnrecognized",
  sessionTokenInvalid: "sessionTokenInvalid",
  sessionTokenExpired: "sessionTokenExpired",
  insufficientBalance: "insufficientBalance",
  concurrentLimitExceeded: "concurrentLimitExceeded",
  avatarIDUnrecognized: "avatarIDUnrecognized",
  failedToFetchAvatarMetadata: "failedToFetchAvatarMetadata",
  failedToDownloadAvatarAssets: "failedToDownloadAvatarAssets",
  invalidAvatarMetadata: "invalidAvatarMetadata",
  unsupportedAvatarAsset: "unsupportedAvatarAsset",
  avatarAssetMissing: "avatarAssetMissing",
  invalidAnimationData: "invalidAnimationData",
  websocketError: "websocketError",
  websocketClosedAbnormally: "websocketClosedAbnormally",
  websocketClosedUnexpected: "websocketClosedUnexpected",
  sessionTimeout: "sessionTimeout",
  connectionInProgress: "connectionInProgress",
  networkLayerNotAvailable: "networkLayerNotAvailable",
  playbackStartFailed: "playbackStartFailed",
  playbackInitFailed: "playbackInitFailed",
  audioOnlyInitFailed: "audioOnlyInitFailed",
  audioContextNotInitialized: "audioContextNotInitialized",
  animationPlayerNotInitialized: "animationPlayerNotInitialized",
  noAudio: "noAudio",
  invalidAudioInput: "invalidAudioInput",
  serverError: "serverError",
  configurationInvalid: "configurationInvalid",
  illegalState: "illegalState",
  loadCancelled: "loadCancelled",
  missingDependency: "missingDependency",
  tokenRequestFailed: "tokenRequestFailed",
  invalidEgressConfig: "invalidEgressConfig",
  egressUnavailable: "egressUnavailable",
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** An error of the package. `message` is one sentence for a person and never holds a key or a token. */
export class AvatarError extends Error {
  override readonly name = "AvatarError";

  constructor(
    /** What went wrong; stable. */
    readonly code: ErrorCode,
    message: string,
    /** The step of the lifecycle in which it happened. */
    readonly phase: Phase,
    /** Whether doing the same again may succeed. */
    readonly retryable: boolean,
    /** What to do about it, or an empty string. */
    readonly hint = "",
  ) {
    super(message);
  }
}

const NEW_TOKEN = "Fetch a new session token, set it, then start again.";

// Phase, retryable, hint.
const CATALOGUE: Record<ErrorCode, readonly [Phase, boolean, string]> = {
  appIDUnrecognized: ["connect", false, "Check the App ID given to AvatarSDK.initialize."],
  sessionTokenInvalid: ["connect", true, NEW_TOKEN],
  sessionTokenExpired: ["connect", true, NEW_TOKEN],
  insufficientBalance: ["connect", false, "Raise the app's credits."],
  concurrentLimitExceeded: ["connect", true, "Close other sessions, or wait."],
  avatarIDUnrecognized: ["load", false, "Check the avatar id."],
  failedToFetchAvatarMetadata: ["load", true, "Check that the server is reachable, then load again."],
  failedToDownloadAvatarAssets: ["load", true, "Load again."],
  invalidAvatarMetadata: ["load", false, "Report it to whoever runs the server."],
  unsupportedAvatarAsset: ["load", false, "Upgrade @avatarkit/web, or the avatar."],
  avatarAssetMissing: ["render", true, "Load the avatar again."],
  invalidAnimationData: ["interact", false, "Check what sends the motion."],
  websocketError: ["connect", true, "Check the endpoint, then start again."],
  websocketClosedAbnormally: ["interact", true, "Start again."],
  websocketClosedUnexpected: ["interact", true, "Start again."],
  sessionTimeout: ["connect", true, "Start again."],
  connectionInProgress: ["connect", false, "Await the start() that is already running."],
  networkLayerNotAvailable: ["connect", false, "start() and send() belong to Direct Mode only."],
  playbackStartFailed: ["interact", true, ""],
  playbackInitFailed: ["render", true, ""],
  audioOnlyInitFailed: ["connect", true, ""],
  audioContextNotInitialized: [
    "interact",
    true,
    "Call controller.initializeAudioContext() in a click, key or touch handler.",
  ],
  animationPlayerNotInitialized: ["interact", false, "Rebuild the view."],
  noAudio: ["interact", false, "Send audio before ending or interrupting a round."],
  invalidAudioInput: ["interact", false, "Send mono signed 16-bit little-endian PCM at the declared rate."],
  serverError: ["interact", true, ""],
  configurationInvalid: ["initialize", false, ""],
  illegalState: ["initialize", false, ""],
  loadCancelled: ["load", true, ""],
  missingDependency: ["initialize", false, ""],
  tokenRequestFailed: ["authenticate", true, "Check that the app's backend is reachable, then start again."],
  invalidEgressConfig: ["connect", false, "Check the egress settings of the session."],
  egressUnavailable: ["connect", true, ""],
};

/** Make the error of a code, with the catalogue's phase, retry advice and hint unless overridden. */
export function error(
  code: ErrorCode,
  message: string,
  given: { phase?: Phase; retryable?: boolean; hint?: string; cause?: unknown } = {},
): AvatarError {
  const [phase, retryable, hint] = CATALOGUE[code];
  const made = new AvatarError(
    code,
    message,
    given.phase ?? phase,
    given.retryable ?? retryable,
    given.hint ?? hint,
  );
  if (given.cause !== undefined) made.cause = given.cause;
  return made;
}

/**
 * The public API, member by member, against the web columns of the published client SDKs: what is there has that
 * name, and what is not there is listed with the reason.
 */
import { describe, expect, test } from "vitest";
import * as kit from "../../src/index.js";
import type { AudioFormat, CameraConfig, Configuration, LoadProgress } from "../../src/index.js";

const STATIC = [
  "initialize", "appId", "configuration", "setSessionToken", "sessionToken", "setUserId", "userId", "version",
  "setRenderQuality", "setRenderResolutionCap", "renderResolutionCapEnabled", "renderResolutionMaxHeight",
  "isDeviceSupported", "checkDeviceSupport", "deviceScore", "cleanup", "isInitialized",
  "setTokenProvider", // ours
];
const MANAGER = ["load", "cancelLoad", "cancelAllLoads", "retrieve", "derive", "clear", "clearAll"];
const VIEW = [
  "avatarTransform", "renderSize", "getBoundingRect", "exportBitmap", "getCameraConfig", "updateCameraConfig",
  "pauseRendering", "resumeRendering", "isRenderingEnabled", "dispose",
];
const CONTROLLER = [
  "initializeAudioContext", "start", "close", "send", "yieldAudioData", "yieldFramesData", "interrupt", "pause",
  "resume", "setVolume", "getVolume", "getAudioTime", "setAudioFormat", "frameStarvationMode", "connectionState",
  "conversationState",
];
const ENUMS: Record<string, string[]> = {
  DrivingServiceMode: ["direct", "backend"],
  ConnectionState: ["disconnected", "connecting", "connected", "failed"],
  ConversationState: ["idle", "playing", "paused"],
  FrameStarvationMode: ["audioIndependent", "strictSync"],
  RenderQuality: ["standard", "high", "ultra"],
  AnimationType: ["idle", "mono"],
  AudioCodec: ["pcm", "opus"],
  LogLevel: ["off", "error", "warning", "all"],
  DeviceSupport: ["supported", "renderNotSupported", "insufficientPerformance"],
  LoadProgressType: ["downloading", "completed", "failed"],
};
const ERRORS = [
  "appIDUnrecognized", "sessionTokenInvalid", "sessionTokenExpired", "insufficientBalance", "concurrentLimitExceeded",
  "avatarIDUnrecognized", "failedToFetchAvatarMetadata", "failedToDownloadAvatarAssets", "invalidAvatarMetadata",
  "unsupportedAvatarAsset", "avatarAssetMissing", "invalidAnimationData", "websocketError", "websocketClosedAbnormally",
  "websocketClosedUnexpected", "sessionTimeout", "connectionInProgress", "networkLayerNotAvailable",
  "playbackStartFailed", "playbackInitFailed", "audioOnlyInitFailed", "audioContextNotInitialized",
  "animationPlayerNotInitialized", "noAudio", "invalidAudioInput", "serverError",
];
/** What a published web client has and this one has not. */
const ABSENT: Record<string, [owner: object, why: string]> = {
  customEndpoint: [kit.AvatarSDK, "it is `endpoint` here"],
  rtc: [kit.DrivingServiceMode, "a mode for adapters of rooms, of which this package holds none"],
  getCurrentConversationId: [kit.AvatarController.prototype, "it is the property `conversationId`, as of old pages only"],
};

const members = (owner: object): string[] => Object.getOwnPropertyNames(owner);

describe("classes", () => {
  test.each([
    ["AvatarSDK", kit.AvatarSDK, STATIC],
    ["AvatarManager.shared", Object.getPrototypeOf(kit.AvatarManager.shared), MANAGER],
    ["AvatarView", kit.AvatarView.prototype, VIEW],
    ["AvatarController", kit.AvatarController.prototype, CONTROLLER],
  ])("%s has its members", (_, owner, wanted) => {
    expect(members(owner)).toEqual(expect.arrayContaining(wanted));
  });

  test.each(Object.entries(ABSENT))("%s is absent on purpose", (name, [owner]) => {
    expect(name in owner).toBe(false);
  });

  test("a controller is made by a view only, and the SDK by nobody", () => {
    expect(() => new kit.AvatarController(undefined as never)).toThrow(/made alone/);
    expect(() => new (kit.AvatarView as any)()).toThrow(/not initialized/);
  });
});

describe("values", () => {
  test.each(Object.entries(ENUMS))("%s", (name, wanted) => {
    expect(Object.values((kit as Record<string, any>)[name])).toEqual(wanted);
  });

  test("error codes", () => {
    expect(Object.values(kit.ErrorCode)).toEqual(expect.arrayContaining(ERRORS));
  });
});

// The compiler holds these: `npm run check`.
const AUDIO: Required<AudioFormat> = {
  channelCount: 1,
  sampleRate: 16000,
  inputAudioFormat: "pcm",
  opusUplinkEnabled: true,
  opusBitrate: 48000,
};
const CONFIGURATION: Configuration = {
  region: "auto",
  drivingServiceMode: "direct",
  logLevel: "off",
  audioFormat: AUDIO,
  renderQuality: "ultra",
  endpoint: "https://avatars.test",
};
const CAMERA: Required<CameraConfig> = { position: [0, 0, 1], target: [0, 0, 0], fov: 20, near: 0.05, far: 20, up: [0, 1, 0], aspect: 1 };
type Callbacks = Pick<
  kit.AvatarController,
  | "onConnectionState" | "onConversationState" | "onError" | "onAnimationState" | "onPlaybackStall"
  | "frameRateMonitorEnabled" | "onFrameRateInfo"
>;
const CALLBACKS: (keyof Callbacks)[] = ["onError"];
const PROGRESS: LoadProgress = { type: "downloading", progress: 0.5 };

test("settings of the published shape are taken", async () => {
  expect([CAMERA.aspect, CALLBACKS.length, PROGRESS.progress]).toEqual([1, 1, 0.5]);
  await kit.AvatarSDK.initialize("app", CONFIGURATION);
  await kit.AvatarSDK.initialize("app", { ...CONFIGURATION });
  expect(kit.AvatarSDK.configuration).toEqual(CONFIGURATION);
  await expect(kit.AvatarSDK.initialize("other", CONFIGURATION)).rejects.toMatchObject({ code: "illegalState" });
  kit.AvatarSDK.cleanup();
  expect([kit.AvatarSDK.appId, kit.AvatarSDK.configuration, kit.AvatarSDK.isInitialized]).toEqual([null, null, false]);
});

test.each([
  ["a blank app", "  ", {}, "appIDUnrecognized"],
  ["no endpoint", "app", {}, "configurationInvalid"],
  ["an endpoint with a query", "app", { endpoint: "https://a.test?x" }, "configurationInvalid"],
  ["stereo", "app", { endpoint: "https://a.test", audioFormat: { channelCount: 2 as never } }, "configurationInvalid"],
  ["a rate of its own", "app", { endpoint: "https://a.test", audioFormat: { sampleRate: 12345 } }, "configurationInvalid"],
  ["endless tries", "app", { endpoint: "https://a.test", reconnect: { attempts: Infinity } }, "configurationInvalid"],
  ["no time", "app", { endpoint: "https://a.test", connectTimeoutS: 0 }, "configurationInvalid"],
] as const)("initialize refuses %s", async (_, appId, configuration, code) => {
  await expect(kit.AvatarSDK.initialize(appId, configuration)).rejects.toMatchObject({ code });
  expect(kit.AvatarSDK.isInitialized).toBe(false);
});

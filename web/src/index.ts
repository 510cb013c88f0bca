/**
 * Real-time talking avatars in the browser.
 *
 * The lifecycle: `AvatarSDK.initialize`, `AvatarManager.shared.load`, `new AvatarView(avatar, container)`,
 * `AvatarSDK.setSessionToken`, then `view.controller`: `initializeAudioContext` in a gesture, `start`, `send`;
 * in the end `view.dispose`.
 *
 * @packageDocumentation
 */
export { AvatarSDK } from "./client/sdk.js";
export { AvatarManager, type ManagerParts, type ProgressCallback } from "./client/manager.js";
export type { Avatar } from "./client/avatar.js";
export { AvatarView, type Rectangle, type ViewOptions } from "./client/view.js";
export { AvatarController } from "./client/controller.js";
export { AvatarError, ErrorCode, type Phase } from "./errors.js";
export * from "./types.js";
export { ARKIT_INDEX, ARKIT_NAMES, type ArkitName, type Pose } from "./frames.js";
export { decodeAudioFile, loudness, pcmFromFloats, type Bytes } from "./audio/pcm.js";
export { Microphone } from "./audio/microphone.js";
export type { Speaker } from "./audio/speaker.js";
export type { Clock } from "./clock.js";
export type { Bundle, BundleInfo, EncodedImage, Material, MaterialKind, Mesh, Morph } from "./bundle/bundle.js";
export type { OpenSocket, Socket, SocketListener, Target } from "./transport/socket.js";

/** Stage 3: an avatar in a container, alive from the first frame on. */

import { SilentSpeaker } from "../audio/silent.js";
import type { Speaker } from "../audio/speaker.js";
import { realClock, type Clock } from "../clock.js";
import { AvatarError, error, ErrorCode } from "../errors.js";
import type { Pose } from "../frames.js";
import { callBack, log } from "../log.js";
import { Renderer, type Framing } from "../render/renderer.js";
import { openWebSocket, type OpenSocket } from "../transport/socket.js";
import type { AudioFormat, AvatarTransform, CameraConfig, RenderQuality } from "../types.js";
import type { Avatar } from "./avatar.js";
import { AvatarController } from "./controller.js";
import { FrameStats } from "./frame-stats.js";
import { settleFormat } from "./format.js";
import { adopt, drop, rendering, settings } from "./sdk.js";

const UPDATE_S = 0.02; // besides every frame, which a hidden tab does not get

// Most pixels for a CSS pixel, and the shadow's filter.
const QUALITY: Record<RenderQuality, { ratio: number; taps: number }> = {
  standard: { ratio: 1, taps: 0 },
  high: { ratio: 1.5, taps: 1 },
  ultra: { ratio: 2, taps: 4 },
};

/** What a view may be told beyond avatar and container. */
export interface ViewOptions {
  /** Of the audio that will be sent. Default: that of the `Configuration`. */
  audioFormat?: AudioFormat;
  /** Seed of idle motion, a whole number; the same seed lives the same life. Default: random. */
  seed?: number;
  /**
   * `auto` (default): the browser's sound, once `initializeAudioContext` has unlocked it; `silent`: no sound, but
   * its time; or a speaker of one's own, which the view closes.
   */
  speaker?: "auto" | "silent" | Speaker;
  /** Time, for tests. Default: the browser's. */
  clock?: Clock;
  /** Makes what draws, for tests. Default: three.js on WebGL2. */
  renderer?: (canvas: HTMLCanvasElement) => Pick<Renderer, keyof Renderer>;
  /** Opens WebSockets, for tests. Default: the browser's. */
  openSocket?: OpenSocket;
}

/** A rectangle in CSS pixels, relative to the container's top left corner. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Shows one avatar in one container and owns its {@link AvatarController}. It appends a transparent canvas, which
 * follows the container's size; idle motion runs until {@link dispose}.
 */
export class AvatarView {
  /** Called once, when the first frame is on the canvas. */
  onFirstRendering: (() => void) | null = null;
  /** The controller of this view; it lives and ends with it. */
  readonly controller: AvatarController;
  /** The avatar that is shown. */
  readonly avatar: Avatar;
  /** The canvas in the container. Leave its size alone. */
  readonly canvas: HTMLCanvasElement;

  private readonly clock: Clock;
  private readonly renderer: Pick<Renderer, keyof Renderer>;
  private readonly observer: ResizeObserver;
  private readonly stats = new FrameStats();
  private cancelTimer = (): void => undefined;
  private place: AvatarTransform = { x: 0, y: 0, scale: 1 };
  private camera: CameraConfig;
  private box = { width: 0, height: 0 }; // of the container, CSS pixels
  private frameRequest = 0;
  private ready = false;
  private hasDrawn = false;
  private enabled = true;
  private contextLost = false;
  private disposed = false;
  private speaking = false;
  private lastPose: Pose | null = null;

  /**
   * @param avatar What `AvatarManager.load` returned.
   * @param container An element with a width and a height.
   *
   * Throws `illegalState` before `AvatarSDK.initialize`; `configurationInvalid` for a container without a size or
   * an unknown format; `playbackInitFailed` where there is no WebGL2.
   */
  constructor(avatar: Avatar, container: HTMLElement, options: ViewOptions = {}) {
    const inForce = settings();
    this.avatar = avatar;
    this.camera = { ...avatar.bundle.info.camera };
    this.clock = options.clock ?? realClock;
    const audioFormat = settleFormat(options.audioFormat ?? {}, inForce.audioFormat);
    this.box = sizeOf(container);
    this.canvas = makeCanvas(avatar.name);
    this.renderer = options.renderer?.(this.canvas) ?? new Renderer(this.canvas, rendering().quality);
    const own = typeof options.speaker === "object" ? options.speaker : null;
    this.controller = new AvatarController({
      settings: inForce,
      avatarId: avatar.id,
      audioFormat,
      clock: this.clock,
      seed: options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!,
      openSocket: options.openSocket ?? openWebSocket,
      speaker: own ?? new SilentSpeaker(this.clock, audioFormat.sampleRate),
      needsUnlock: (options.speaker ?? "auto") === "auto",
    });
    container.append(this.canvas);
    this.canvas.addEventListener("webglcontextlost", this.onContextLost);
    this.canvas.addEventListener("webglcontextrestored", this.onContextRestored);
    this.observer = new ResizeObserver(() => (this.box = { width: container.clientWidth, height: container.clientHeight }));
    this.observer.observe(container);
    this.keepTime();
    adopt(this);
    this.renderer.load(avatar.bundle).then(
      () => {
        this.ready = true;
        if (!this.disposed) this.schedule();
        else this.renderer.dispose();
      },
      (reason: unknown) => this.cannotDraw(reason),
    );
  }

  // --- how it is shown -------------------------------------------------------------------------------

  /** Where the avatar stands: x and y -1..1 (left to right, bottom to top), scale above 0. */
  get avatarTransform(): AvatarTransform {
    return { ...this.place };
  }

  set avatarTransform({ x, y, scale }: AvatarTransform) {
    if (![x, y, scale].every(Number.isFinite) || scale <= 0) {
      throw error(ErrorCode.configurationInvalid, "A transform has finite x and y and a scale above 0.", { phase: "render" });
    }
    this.place = { x, y, scale };
  }

  /** The camera; the avatar's own at first. */
  getCameraConfig(): CameraConfig {
    return { ...this.camera };
  }

  /** Change the camera; what is left out stays. Throws `configurationInvalid` for one that sees nothing. */
  updateCameraConfig(change: Partial<CameraConfig>): void {
    const camera = { ...this.camera, ...change };
    const { position, target, fov, near = 0.05, far = 20, up = [0, 1, 0], aspect = 1 } = camera;
    const isSound =
      [...position, ...target, near, far, ...up, aspect].every(Number.isFinite) &&
      Math.hypot(...up) > 1e-6 &&
      aspect > 0 &&
      Math.hypot(...position.map((x, i) => x - target[i]!)) > 1e-6 &&
      fov >= 0.5 &&
      fov <= 170 &&
      near > 0 &&
      far > near;
    if (!isSound) throw error(ErrorCode.configurationInvalid, "The camera sees nothing.", { phase: "render" });
    this.camera = camera;
  }

  /** Size of the canvas in pixels, after device-pixel ratio, quality and cap; 0 x 0 for a container without area. */
  get renderSize(): { width: number; height: number } {
    if (!this.box.width || !this.box.height) return { width: 0, height: 0 };
    const { quality, capEnabled, maxHeight } = rendering();
    let ratio = Math.min(globalThis.devicePixelRatio || 1, QUALITY[quality].ratio);
    if (capEnabled && this.box.height * ratio > maxHeight) ratio = maxHeight / this.box.height;
    return {
      width: Math.max(1, Math.round(this.box.width * ratio)),
      height: Math.max(1, Math.round(this.box.height * ratio)),
    };
  }

  /** The pose on the canvas: weights in the order of `ARKIT_NAMES`, and the head; `null` before the first frame. */
  get pose(): Pose | null {
    return this.lastPose;
  }

  /** The avatar's rectangle at rest, cut to the container, or `null` before the first frame or when out of sight. */
  getBoundingRect(): Rectangle | null {
    const box = this.hasDrawn && this.box.width && this.box.height ? this.renderer.clipBox(this.framing()) : null;
    if (!box) return null;
    const { width, height } = this.box;
    const clamp = (x: number): number => Math.min(Math.max(x, -1), 1);
    const left = ((clamp(box.left) + 1) / 2) * width;
    const top = ((1 - clamp(box.top)) / 2) * height;
    const right = ((clamp(box.right) + 1) / 2) * width;
    const bottom = ((1 - clamp(box.bottom)) / 2) * height;
    return right > left && bottom > top ? { x: left, y: top, width: right - left, height: bottom - top } : null;
  }

  /** A picture of the avatar as PNG; `null` before the first frame and while rendering is off. */
  exportBitmap(): Promise<Blob | null> {
    if (!this.hasDrawn || !this.enabled || this.contextLost || this.disposed || !this.renderSize.width) return Promise.resolve(null);
    this.draw(); // the canvas is empty outside the task that drew it
    return new Promise((done) => this.canvas.toBlob(done, "image/png"));
  }

  // --- the loop --------------------------------------------------------------------------------------

  /** Stop drawing; sound and motion time go on. */
  pauseRendering(): void {
    this.enabled = false;
    this.controller.meter.drawingStopped();
    cancelAnimationFrame(this.frameRequest);
    this.frameRequest = 0;
  }

  /** Draw again. */
  resumeRendering(): void {
    if (this.disposed) return;
    this.enabled = true;
    this.schedule();
  }

  /** Whether the view draws. */
  isRenderingEnabled(): boolean {
    return this.enabled && !this.disposed;
  }

  /** Stop, close the session, release canvas, context, audio. Idempotent, legal at any moment. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    drop(this);
    this.pauseRendering();
    this.cancelTimer();
    this.observer.disconnect();
    this.controller.dispose();
    this.onFirstRendering = null;
    this.canvas.removeEventListener("webglcontextlost", this.onContextLost);
    this.canvas.removeEventListener("webglcontextrestored", this.onContextRestored);
    this.canvas.remove();
    this.renderer.dispose();
    this.lastPose = null;
  }

  /** Dispose of the view on behalf of `AvatarSDK.cleanup`. */
  release(): void {
    this.dispose();
  }

  // --- inside ----------------------------------------------------------------------------------------

  private keepTime(): void {
    this.cancelTimer = this.clock.after(UPDATE_S, () => {
      this.controller.player.update();
      if (!this.disposed) this.keepTime();
    });
  }

  private schedule(): void {
    if (this.frameRequest || !this.ready || !this.enabled || this.contextLost || this.disposed) return;
    this.frameRequest = requestAnimationFrame(() => {
      this.frameRequest = 0;
      if (this.disposed) return;
      try {
        this.frame();
      } catch (reason) {
        this.cannotDraw(reason);
        return;
      }
      this.schedule();
    });
  }

  private frame(): void {
    if (!this.box.width || !this.box.height) return this.controller.meter.drawingStopped();
    const began = this.clock.now();
    const { player, meter } = this.controller;
    const position = this.draw();
    if (position !== null) meter.offset(position, player.audioTime);
    meter.shown(this.clock.now());
    if (!this.hasDrawn) {
      this.hasDrawn = true;
      callBack(this.onFirstRendering);
    }
    this.tellAnimation(position !== null);
    if (this.controller.frameRateMonitorEnabled) this.tellStats(began);
    else this.stats.clear();
  }

  /** Draw the face of now; returns the audio position that it shows, or `null`. */
  private draw(): number | null {
    const { width, height } = this.renderSize;
    this.renderer.resize(width, height);
    this.renderer.setShadowTaps(QUALITY[rendering().quality].taps);
    const { pose, position } = this.controller.player.frame(this.clock.now());
    this.renderer.draw(pose, this.framing());
    this.lastPose = pose;
    return position;
  }

  private framing(): Framing {
    return { camera: this.camera, transform: this.place };
  }

  private tellAnimation(speaking: boolean): void {
    if (speaking === this.speaking) return;
    this.speaking = speaking;
    callBack(this.controller.onAnimationState, speaking ? "mono" : "idle");
  }

  private tellStats(began: number): void {
    const now = this.clock.now();
    const info = this.stats.drawn(now, now - began);
    if (info) callBack(this.controller.onFrameRateInfo, info);
  }

  private cannotDraw(reason: unknown): void {
    if (this.disposed) return;
    log.error("drawing failed", reason);
    const name = reason instanceof Error ? reason.name : "unknown";
    const told =
      reason instanceof AvatarError
        ? reason
        : error(ErrorCode.animationPlayerNotInitialized, `Drawing failed: ${name}.`, { phase: "render", cause: reason });
    this.controller.tell(told);
  }

  private readonly onContextLost = (event: Event): void => {
    event.preventDefault(); // or the browser would not restore it
    this.contextLost = true;
    this.controller.meter.drawingStopped();
    cancelAnimationFrame(this.frameRequest);
    this.frameRequest = 0;
    log.warning("the WebGL context was lost");
  };

  private readonly onContextRestored = (): void => {
    this.contextLost = false;
    this.schedule();
  };
}

function sizeOf(container: HTMLElement): { width: number; height: number } {
  const { clientWidth: width, clientHeight: height } = container;
  if (!width || !height) {
    throw error(ErrorCode.configurationInvalid, "The container has no size.", {
      phase: "render",
      hint: "Give it a width and a height before making the view.",
    });
  }
  return { width, height };
}

function makeCanvas(name: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  Object.assign(canvas.style, { display: "block", width: "100%", height: "100%" });
  return canvas;
}

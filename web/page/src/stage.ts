/** The stage: which character is on it, how well it is drawn, and where it looks. */

import { AvatarManager, AvatarSDK, AvatarView, type RenderQuality } from "@avatarkit/web";
import { make } from "./dom.js";

const FADE_MS = 500;
const SLOW_FPS = 20;
const SLOW_LINES = 540;
const LOOK_EVERY_MS = 120;

/** Whether WebGL is drawn by the processor here: then each pixel counts. */
export function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return true;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** Holds the view of the character that is shown. */
export class Stage {
  /** Called when another character has come on. */
  onView: (view: AvatarView) => void = () => undefined;
  view: AvatarView | null = null;
  private run = 0;
  private automatic = true;
  private looking = false;
  private lookedAt = 0;
  private slowFor = 0; // figures in a row

  constructor(
    private readonly box: HTMLElement,
    private readonly views: HTMLElement,
  ) {
    addEventListener("pointermove", (event) => this.follow(event));
  }

  /** Bring a character on; the one before stays until the new one is drawn. Rejects as loading and drawing do. */
  async show(id: string): Promise<AvatarView | null> {
    const run = ++this.run;
    const avatar = await AvatarManager.shared.load(id);
    if (run !== this.run) return null;
    const place = make("div", { className: this.view ? "entering" : "" });
    this.views.append(place);
    let view: AvatarView;
    try {
      view = new AvatarView(avatar, place);
    } catch (reason) {
      place.remove();
      throw reason;
    }
    const before = this.view;
    const beforePlace = before?.canvas.parentElement;
    this.view = view;
    view.controller.frameRateMonitorEnabled = true;
    view.controller.onFrameRateInfo = ({ fps }) => this.adapt(fps);
    view.onFirstRendering = () => {
      place.classList.remove("entering");
      this.box.dataset.drawn = String(Math.round(performance.now()));
      before?.pauseRendering();
      setTimeout(() => {
        before?.dispose();
        beforePlace?.remove();
      }, FADE_MS);
    };
    this.onView(view);
    return view;
  }

  /** Draw as well as asked, or as the device allows. */
  setQuality(quality: RenderQuality | "auto"): void {
    this.automatic = quality === "auto";
    const software = this.automatic && drawsInSoftware();
    AvatarSDK.setRenderQuality(quality !== "auto" ? quality : software ? "standard" : "ultra");
    AvatarSDK.setRenderResolutionCap(true, software ? SLOW_LINES : 1440);
  }

  /** Let the eyes follow the pointer, or rest on the visitor. */
  setLooking(on: boolean): void {
    this.looking = on;
    if (!on) this.view?.controller.lookAt(0, 0);
  }

  private follow({ clientX, clientY, timeStamp }: PointerEvent): void {
    if (!this.looking || !this.view || timeStamp - this.lookedAt < LOOK_EVERY_MS) return;
    this.lookedAt = timeStamp;
    const box = this.box.getBoundingClientRect();
    const clamp = (x: number): number => Math.max(-1, Math.min(1, x));
    const reach = Math.max(box.width, box.height) / 2;
    // The eyes are about two fifths down the stage.
    const x = clamp((clientX - box.left - box.width / 2) / reach);
    const y = clamp((box.top + box.height * 0.4 - clientY) / reach);
    this.view.controller.lookAt(x, y);
  }

  private adapt(fps: number): void {
    this.slowFor = fps >= SLOW_FPS || document.hidden ? 0 : this.slowFor + 1; // one frame in two seconds is NaN
    if (!this.automatic || this.slowFor < 6) return;
    this.automatic = false; // once is enough
    AvatarSDK.setRenderQuality("standard");
    AvatarSDK.setRenderResolutionCap(true, SLOW_LINES);
  }
}

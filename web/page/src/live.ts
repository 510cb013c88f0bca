/** The live panel: states, figures and the plot. */

import type { AvatarView, FrameRateInfo } from "@avatarkit/web";
import { byId, make } from "./dom.js";
import { mouthOpening, Plot } from "./plot.js";
import type { Talker } from "./talker.js";

const FIGURES_EVERY_S = 0.25;

const FIGURES = {
  connection: "Connection",
  conversation: "Conversation",
  firstMotion: "First motion",
  offset: "Sound to picture",
  fps: "Frames a second",
  wire: "Motion received",
} as const;

const CONVERSATION = { idle: "Idle", playing: "Speaking", paused: "Paused" } as const;
const CONNECTION = { disconnected: "Not connected", connecting: "Connecting", connected: "Connected", failed: "Failed" } as const;

const milliseconds = (value: number | null): string => (value === null ? "\u2013" : `${Math.round(value)} ms`);

/** Shows what the view and its controller measure. */
export class Live {
  private readonly cells = new Map<keyof typeof FIGURES, HTMLElement>();
  private readonly plot: Plot;
  private readonly card = byId("card-live", HTMLDetailsElement);
  private view: AvatarView | null = null;
  private rate: FrameRateInfo | null = null;
  private shownAt = 0;

  constructor(private readonly talker: Talker) {
    const list = byId("figures", HTMLElement);
    for (const [key, name] of Object.entries(FIGURES) as [keyof typeof FIGURES, string][]) {
      const value = make("dd", { data: { figure: key } }, "\u2013");
      this.cells.set(key, value);
      list.append(make("div", {}, make("dt", {}, name), value));
    }
    const key = (name: string): Element => document.querySelector(`.key.${name}`)!;
    this.plot = new Plot(byId("plot", HTMLCanvasElement), [key("loud"), key("mouth")]);
  }

  /** Show another view from now on. */
  use(view: AvatarView): void {
    this.view = view;
    this.rate = null;
    const adapt = view.controller.onFrameRateInfo;
    view.controller.onFrameRateInfo = (info) => {
      adapt?.(info);
      this.rate = info;
    };
  }

  /** Once a frame; `now` in seconds. */
  frame(now: number): void {
    const { view } = this;
    if (!view?.pose) return;
    const { controller } = view;
    const speaks = controller.conversationState === "playing";
    this.plot.add(now, speaks ? this.talker.loudness.at(controller.getAudioTime()) : 0, mouthOpening(view.pose));
    if (!this.card.open) return;
    this.plot.draw(now);
    if (now - this.shownAt < FIGURES_EVERY_S) return;
    this.shownAt = now;
    const report = controller.report();
    this.set("connection", CONNECTION[controller.connectionState]);
    this.set("conversation", CONVERSATION[controller.conversationState]);
    this.set("firstMotion", milliseconds(report.firstMotionMs));
    this.set("offset", report.avOffsetMsP95 === null ? "\u2013" : `${milliseconds(report.avOffsetMsP50)} (p95 ${Math.round(report.avOffsetMsP95)})`);
    this.set("fps", this.rate && Number.isFinite(this.rate.fps) ? this.rate.fps.toFixed(0) : "\u2013");
    this.set("wire", report.motionBytesPerSecond === null ? "\u2013" : `${(report.motionBytesPerSecond / 1000).toFixed(1)} kB/s`);
  }

  private set(key: keyof typeof FIGURES, text: string): void {
    const cell = this.cells.get(key)!;
    if (cell.textContent !== text) cell.textContent = text;
  }
}

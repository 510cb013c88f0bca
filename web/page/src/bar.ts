/** The control bar and what the stage says about itself. */

import type { AvatarView } from "@avatarkit/web";
import type { Backdrop } from "./backgrounds.js";
import { byId, clockText } from "./dom.js";
import { explain, type Notices } from "./notices.js";
import { ClipRecorder, download } from "./recorder.js";
import type { Stage } from "./stage.js";
import type { Talker } from "./talker.js";
import type { VoiceCard } from "./voice-card.js";

const MIC_REFUSED = {
  title: "The microphone cannot be used",
  text: "Allow it for this page (the icon beside the address), check that one is plugged in, and try again. Browsers offer it on https and on localhost only.",
};

/** What the bar acts on. */
export interface BarParts {
  readonly talker: Talker;
  readonly voice: VoiceCard;
  readonly stage: Stage;
  readonly backdrop: Backdrop;
  readonly notices: Notices;
}

/** Speak, interrupt, volume, look, record. */
export class Bar {
  private readonly speakButton = byId("speak", HTMLButtonElement);
  private readonly interruptButton = byId("interrupt", HTMLButtonElement);
  private readonly volume = byId("volume", HTMLInputElement);
  private readonly caption = byId("caption", HTMLElement);
  private view: AvatarView | null = null;
  private recorder: ClipRecorder | null = null;
  private muted = false;
  private hasFailed = false;
  private isResting = false; // the server ended a session that nobody used

  constructor(private readonly parts: BarParts) {
    this.speakButton.onclick = () => void this.speak();
    this.interruptButton.onclick = () => parts.talker.stop();
    byId("mute", HTMLButtonElement).onclick = () => this.toggleMute();
    byId("look", HTMLButtonElement).onclick = () => this.toggleLook();
    byId("record", HTMLButtonElement).onclick = () => void this.toggleRecording();
    byId("mic-hear", HTMLInputElement).onchange = ({ target }) => parts.talker.setHearMicrophone((target as HTMLInputElement).checked);
    this.volume.oninput = () => {
      this.muted = false;
      this.applyVolume();
    };
  }

  /** Act on another view from now on. */
  use(view: AvatarView): void {
    this.view = view;
    this.hasFailed = false;
    void this.endRecording(); // the canvas that it records goes away
    const { controller } = view;
    controller.onConversationState = () => this.update();
    controller.onConnectionState = () => {
      this.isResting = false;
      this.update();
    };
    controller.onError = (reason) => {
      this.isResting = reason.code === "sessionTimeout" && controller.conversationState === "idle";
      const isTold = reason.phase === "connect" || reason.phase === "authenticate"; // `speak` reports it
      if (!isTold && !this.isResting) this.parts.notices.fail(reason, this.again);
      this.update();
    };
    this.update();
  }

  /** Begin to speak; or pause, or go on, or let go of the microphone. Call it in a gesture. */
  async speak(): Promise<void> {
    const { talker, voice, notices } = this.parts;
    const controller = this.view?.controller;
    if (!controller || talker.isPreparing) return;
    if (talker.isListening) return talker.finish();
    if (controller.conversationState === "playing") return controller.pause();
    if (controller.conversationState === "paused") return void (await controller.resume());
    notices.clear();
    try {
      if (voice.kind === "mic") return await talker.listen();
      const source = voice.source();
      if (source) await talker.say(source);
    } catch (reason) {
      const isMicrophone = voice.kind === "mic" && (reason as { code?: string }).code === "invalidAudioInput";
      notices.show(isMicrophone ? MIC_REFUSED : explain(reason), voice.kind === "file" ? undefined : this.again);
    }
    this.update();
  }

  /** The face could not be shown. */
  failed(): void {
    this.hasFailed = true;
    this.update();
  }

  toggleMute(): void {
    this.muted = !this.muted;
    this.applyVolume();
  }

  toggleLook(): void {
    const button = byId("look", HTMLButtonElement);
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    this.parts.stage.setLooking(on);
  }

  /** Begin a recording, or end it and hand it over. Call it in a gesture. */
  async toggleRecording(): Promise<void> {
    if (this.recorder) return this.endRecording();
    if (!this.view) return;
    if (!ClipRecorder.isPossible) {
      return this.parts.notices.show({ title: "This browser cannot record", text: "It writes no WebM. Firefox, Chrome and Edge do." });
    }
    try {
      await this.view.controller.initializeAudioContext(); // so that the voice is in it from the beginning
      this.recorder = new ClipRecorder(this.view, this.parts.backdrop);
    } catch (reason) {
      this.parts.notices.fail(reason);
    }
    this.showRecording();
  }

  /** Once a frame, after the view has drawn. */
  frame(): void {
    const { controller } = this.view ?? {};
    if (!controller) return;
    if (this.recorder) {
      this.recorder.frame();
      byId("recording-time", HTMLElement).textContent = clockText(this.recorder.seconds);
    }
    const text = controller.conversationState === "idle" ? "" : this.parts.talker.captions.at(controller.getAudioTime());
    if (this.caption.textContent !== text) this.caption.textContent = text;
  }

  /** Show what is, after anything has changed. */
  update(): void {
    const { talker, voice } = this.parts;
    const controller = this.view?.controller;
    const conversation = controller?.conversationState ?? "idle";
    const [label, symbol] = talker.isListening
      ? ["Stop listening", "mic"]
      : conversation === "playing"
        ? ["Pause", "pause"]
        : conversation === "paused"
          ? ["Go on", "play"]
          : voice.kind === "mic"
            ? ["Listen", "mic"]
            : ["Speak", "play"];
    byId("speak-text", HTMLElement).textContent = label!;
    this.speakButton.querySelector("use")!.setAttribute("href", `#i-${symbol!}`);
    this.speakButton.disabled = !controller || talker.isPreparing;
    this.interruptButton.disabled = !talker.isListening && !talker.isPreparing && conversation === "idle";
    this.showState();
  }

  private readonly again = { label: "Try again", run: () => void this.speak() };

  private showState(): void {
    const { talker } = this.parts;
    const controller = this.view?.controller;
    const conversation = controller?.conversationState ?? "idle";
    const [state, text] = this.hasFailed
      ? ["failed", "Not available"]
      : !controller
        ? ["loading", "Waking up"]
        : controller.connectionState === "connecting"
          ? ["connecting", "Connecting"]
          : talker.isPreparing
            ? ["connecting", "Getting ready"]
            : talker.isListening
              ? ["speaking", "Listening"]
              : conversation === "playing"
                ? ["speaking", "Speaking"]
                : conversation === "paused"
                  ? ["ready", "Paused"]
                  : controller.connectionState === "failed" && !this.isResting
                    ? ["failed", "Connection lost"]
                    : ["ready", "Ready"];
    byId("stage", HTMLElement).dataset.state = state!;
    const line = byId("state-text", HTMLElement);
    if (line.textContent !== text) line.textContent = text!;
  }

  private applyVolume(): void {
    this.parts.talker.setVolume(this.muted ? 0 : Number(this.volume.value) / 100);
    const silent = this.muted || this.volume.value === "0";
    byId("mute", HTMLButtonElement).setAttribute("aria-pressed", String(this.muted));
    document.getElementById("mute-icon")!.setAttribute("href", silent ? "#i-mute" : "#i-volume");
  }

  private async endRecording(): Promise<void> {
    const { recorder } = this;
    this.recorder = null;
    this.showRecording();
    if (!recorder) return;
    const clip = await recorder.finish();
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    download(clip, `avatarkit-${stamp}.webm`);
  }

  private showRecording(): void {
    const on = this.recorder !== null;
    const button = byId("record", HTMLButtonElement);
    button.setAttribute("aria-pressed", String(on));
    button.setAttribute("aria-label", on ? "Stop recording" : "Record a clip");
    byId("recording", HTMLElement).hidden = !on;
  }
}

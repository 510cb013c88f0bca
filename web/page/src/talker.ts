/** Makes the character on the stage speak: connects when it is needed, feeds a source, keeps captions and loudness. */

import { AvatarSDK, Microphone, type AvatarController, type AvatarView } from "@avatarkit/web";
import type { Access } from "./access.js";
import { Captions } from "./captions.js";
import { LoudnessTrack } from "./loudness.js";
import { RATE, type Source } from "./sources.js";

/** Names the worklet file, for a policy without `blob:`. */
export interface TalkerParts {
  readonly access: Access;
  readonly workletUrl: string;
  /** The microphone went on or off, or speech is being prepared or not. */
  readonly onChange: () => void;
}

/** One voice for whatever view is on the stage. */
export class Talker {
  readonly captions = new Captions();
  readonly loudness = new LoudnessTrack(RATE);
  private view: AvatarView | null = null;
  private microphone: Microphone | null = null;
  private run = 0;
  private busy = false;
  private gain = 1;
  private hearMicrophone = false;
  private style = "";
  private connectedStyle = "";

  constructor(private readonly parts: TalkerParts) {}

  get controller(): AvatarController | null {
    return this.view?.controller ?? null;
  }

  /** Whether the microphone is open. */
  get isListening(): boolean {
    return this.microphone !== null;
  }

  /** Whether speech was asked for and none has been sent yet. */
  get isPreparing(): boolean {
    return this.busy;
  }

  /** Speak through another view from now on. */
  use(view: AvatarView): void {
    this.stop();
    this.view = view;
    this.applyVolume();
  }

  /** Speak in another style, such as `happy:0.6`, from the next speech on; empty is none. */
  setStyle(style: string): void {
    this.style = style;
  }

  /** Gain 0..1 of the voice. */
  setVolume(gain: number): void {
    this.gain = gain;
    this.applyVolume();
  }

  /** Whether the microphone's own sound is played. */
  setHearMicrophone(on: boolean): void {
    this.hearMicrophone = on;
    this.applyVolume();
  }

  /** Speak a source, cutting off what is being said. Call it in a gesture. Rejects with what went wrong. */
  async say(source: Source): Promise<void> {
    this.stop();
    const run = ++this.run;
    await this.prepare(async (controller) => {
      let at = 0;
      for await (const { samples, captions } of source()) {
        if (run !== this.run || controller !== this.controller) return;
        const length = samples.length / RATE;
        captions.forEach(({ share, text }, i) => {
          this.captions.add({ from: at + share * length, until: at + (captions[i + 1]?.share ?? 1) * length, text });
        });
        this.loudness.push(samples);
        controller.send(samples);
        at += length;
        this.setBusy(false);
      }
      if (run === this.run && at > 0) controller.send(new Int16Array(), true);
    });
  }

  /** Speak what the microphone hears, until {@link stop}. Call it in a gesture. Rejects with what went wrong. */
  async listen(): Promise<void> {
    this.stop();
    const run = ++this.run;
    await this.prepare(async (controller) => {
      const options = { sampleRate: RATE, audioWorkletUrl: this.parts.workletUrl };
      const microphone = await Microphone.open((samples) => this.hear(controller, samples), options);
      if (run !== this.run || controller !== this.controller) return microphone.close();
      this.microphone = microphone;
      this.applyVolume();
    });
  }

  /** Fall silent at once: interrupt, and let the microphone go. */
  stop(): void {
    this.run++;
    this.releaseMicrophone();
    if (this.view?.controller.conversationState !== "idle") this.view?.controller.interrupt();
    this.captions.clear();
    this.loudness.reset();
    this.setBusy(false);
  }

  /** Let the microphone go and speak the rest of what it heard. */
  finish(): void {
    const { controller } = this;
    if (!this.microphone || !controller) return;
    this.releaseMicrophone();
    if (controller.conversationId !== null) controller.send(new Int16Array(), true);
  }

  private async prepare(work: (controller: AvatarController) => Promise<void>): Promise<void> {
    const { controller } = this;
    if (!controller) return;
    this.setBusy(true);
    try {
      await controller.initializeAudioContext(); // first, while the gesture counts
      // A session keeps the style that it began with.
      if (controller.connectionState === "connected" && this.style !== this.connectedStyle) controller.close();
      if (controller.connectionState !== "connected") {
        this.connectedStyle = this.style;
        controller.setMotionStyle(this.style);
        AvatarSDK.setSessionToken(await this.parts.access.token());
        if (controller.connectionState === "connecting") await controller.waitConnected();
        else await controller.start();
      }
      await work(controller);
    } finally {
      this.setBusy(false);
    }
  }

  private hear(controller: AvatarController, samples: Int16Array): void {
    if (controller.connectionState !== "connected") {
      this.releaseMicrophone(); // the connection's own message says why
      return;
    }
    this.loudness.push(samples);
    controller.send(samples);
  }

  private releaseMicrophone(): void {
    if (!this.microphone) return;
    this.microphone.close();
    this.microphone = null;
    this.applyVolume();
    this.parts.onChange();
  }

  private applyVolume(): void {
    this.controller?.setVolume(this.microphone && !this.hearMicrophone ? 0 : this.gain);
  }

  private setBusy(busy: boolean): void {
    this.busy = busy;
    this.parts.onChange();
  }
}

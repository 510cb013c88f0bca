/** The dialog in which a visitor makes a character: choose or take a photo, look at it and agree, watch. */

import { byId } from "../dom.js";
import { explain } from "../notices.js";
import type { Listed } from "../server.js";
import { Camera } from "./camera.js";
import { create, type Job, type Offer } from "./desk.js";
import { readPhoto, UnfitPicture } from "./picture.js";
import { Progress, stageText } from "./progress.js";
import { follow } from "./watch.js";

type Step = "choose" | "camera" | "check" | "progress";
const STEPS: readonly Step[] = ["choose", "camera", "check", "progress"];
const TITLES: Record<Step, string> = {
  choose: "Make your own character",
  camera: "Look into the camera",
  check: "Is this a good photo?",
  progress: "Making your character",
};

/** What the page does with it. */
export interface MakerEvents {
  /** A character is ready. */
  readonly onMade: (avatar: Listed) => void;
  /** Something to say while the dialog is closed. */
  readonly onNote: (text: string) => void;
}

/** The dialog. What was photographed stays until it has become a character or is replaced. */
export class Maker {
  private readonly dialog = byId("make", HTMLDialogElement);
  private readonly status = byId("make-status", HTMLElement);
  private readonly consent = byId("make-consent", HTMLInputElement);
  private readonly name = byId("make-name", HTMLInputElement);
  private readonly go = byId("make-go", HTMLButtonElement);
  private camera: Camera | null = null;
  private photo: { blob: Blob; url: string; isFromCamera: boolean } | null = null;
  private step: Step = "choose";
  private isWorking = false;

  constructor(
    private readonly offer: Offer,
    private readonly events: MakerEvents,
  ) {
    const days = Math.round(offer.keptHours / 24);
    byId("make-kept", HTMLElement).textContent = days > 1 ? `${days} days` : `${offer.keptHours} hours`;
    const input = byId("make-file", HTMLInputElement);
    input.onchange = () => {
      const [given] = input.files ?? [];
      input.value = ""; // the same file may be chosen again
      if (given) void this.take(given);
    };
    byId("make-camera-open", HTMLButtonElement).onclick = () => void this.openCamera();
    byId("make-camera-back", HTMLButtonElement).onclick = () => this.show("choose");
    byId("make-shoot", HTMLButtonElement).onclick = () => void this.shoot();
    byId("make-again", HTMLButtonElement).onclick = () => (this.photo?.isFromCamera ? void this.openCamera() : this.show("choose"));
    byId("make-check", HTMLFormElement).onsubmit = (event) => {
      event.preventDefault();
      void this.begin();
    };
    for (const id of ["make-close", "make-hide"]) byId(id, HTMLButtonElement).onclick = () => this.dialog.close();
    this.consent.onchange = () => this.fail("");
    this.dialog.onclose = () => {
      this.letCameraGo();
      if (this.step === "camera") this.show("choose");
    };
  }

  /** Open it where it was left. */
  open(): void {
    if (!this.dialog.open) this.dialog.showModal();
    this.show(this.step);
  }

  /** Take a file that was chosen or dropped. */
  async take(file: Blob): Promise<void> {
    if (this.isWorking) return this.open();
    this.open();
    try {
      this.use(await readPhoto(file, this.offer.maxBytes), false);
    } catch (reason) {
      this.show("choose");
      this.fail(textOf(reason));
    }
  }

  /** Follow a job that was begun before this page was loaded. */
  resume(job: Job): void {
    this.name.value = job.name;
    void this.work(() => Promise.resolve(job));
  }

  private show(step: Step): void {
    this.step = step;
    for (const each of STEPS) byId(`make-${each}`, HTMLElement).hidden = each !== step;
    if (step !== "camera") this.letCameraGo();
    this.fail("");
    const title = byId("make-title", HTMLElement);
    title.textContent = TITLES[step];
    if (this.dialog.open) title.focus();
  }

  private fail(text: string): void {
    const box = byId("make-error", HTMLElement);
    box.textContent = text;
    if (text) box.scrollIntoView({ block: "nearest" });
  }

  private async openCamera(): Promise<void> {
    this.show("camera");
    const shoot = byId("make-shoot", HTMLButtonElement);
    shoot.disabled = true;
    const camera = (this.camera = new Camera(byId("make-video", HTMLVideoElement)));
    try {
      await camera.open();
      shoot.disabled = false;
      shoot.focus();
    } catch (reason) {
      if (camera !== this.camera) return;
      this.show("choose");
      this.fail(textOf(reason));
    }
  }

  private async shoot(): Promise<void> {
    const { camera } = this;
    const shoot = byId("make-shoot", HTMLButtonElement);
    if (!camera) return;
    shoot.disabled = true;
    try {
      const blob = await camera.take(this.offer.maxBytes, (left) => (byId("make-count", HTMLElement).textContent = left === null ? "" : String(left)));
      if (blob && camera === this.camera) this.use(blob, true);
    } catch (reason) {
      this.show("choose");
      this.fail(textOf(reason));
    }
  }

  private letCameraGo(): void {
    this.camera?.close();
    this.camera = null;
    byId("make-count", HTMLElement).textContent = "";
  }

  private use(blob: Blob, isFromCamera: boolean): void {
    if (this.photo) URL.revokeObjectURL(this.photo.url);
    this.photo = { blob, url: URL.createObjectURL(blob), isFromCamera };
    for (const id of ["make-picture", "make-thumb"]) byId(id, HTMLImageElement).src = this.photo.url;
    byId("make-again", HTMLButtonElement).textContent = isFromCamera ? "Take another" : "Another photo";
    this.consent.checked = false; // it is said of one picture
    this.showTry(false);
    this.show("check");
  }

  private async begin(): Promise<void> {
    const { photo } = this;
    if (!photo || this.isWorking) return;
    if (!this.consent.checked) {
      this.fail("Tick the box first: nobody becomes a character without agreeing.");
      return this.consent.focus();
    }
    await this.work(() => create(photo.blob, this.name.value));
  }

  /** From a job to a character, or back to the photo with what went wrong. */
  private async work(begin: () => Promise<Job>): Promise<void> {
    this.isWorking = true;
    byId("make-thumb", HTMLImageElement).hidden = !this.photo;
    const progress = new Progress();
    let job: Job | null = null;
    let isAway = false;
    const draw = (): void => this.draw(job, progress, isAway);
    this.show("progress");
    draw();
    const timer = setInterval(draw, 250);
    try {
      const end = await follow(await begin(), (state, away) => {
        job = state;
        isAway = away;
        progress.update(state, performance.now() / 1000);
        draw();
      });
      if (end.avatar) return this.succeed(end.avatar);
      this.back(end.error?.message || "The character could not be made.");
    } catch (reason) {
      this.back(textOf(reason));
    } finally {
      clearInterval(timer);
      this.isWorking = false;
    }
  }

  private draw(job: Job | null, progress: Progress, isAway: boolean): void {
    const now = performance.now() / 1000;
    const stage = isAway ? "The server does not answer; it is asked again" : job ? stageText(job) : "Sending the photo";
    const share = progress.share(now);
    const left = progress.left(now);
    byId("make-bar", HTMLProgressElement).value = share;
    byId("make-stage", HTMLElement).textContent = stage;
    byId("make-left", HTMLElement).textContent = left;
    if (this.status.textContent !== stage) this.status.textContent = stage;
    if (!this.dialog.open) this.events.onNote(`${stage} (${Math.round(share)} %)`);
  }

  private succeed(avatar: Listed): void {
    this.status.textContent = "";
    this.isWorking = false;
    if (this.photo) URL.revokeObjectURL(this.photo.url);
    this.photo = null;
    this.show("choose");
    this.dialog.close();
    this.events.onMade(avatar);
  }

  private back(text: string): void {
    this.isWorking = false;
    this.show(this.photo ? "check" : "choose");
    this.showTry(true);
    this.fail(text);
    if (!this.dialog.open) this.events.onNote(text);
  }

  private showTry(again: boolean): void {
    this.go.textContent = again ? "Try again" : "Make it";
  }
}

function textOf(reason: unknown): string {
  if (reason instanceof UnfitPicture) return reason.message;
  const { title, text } = explain(reason);
  return `${title}. ${text}`;
}

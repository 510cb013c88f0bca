/** Records the stage, background and voice included, to a WebM file. */

import type { AvatarView } from "@avatarkit/web";
import type { Backdrop } from "./backgrounds.js";

const MAX_LINES = 720;
const FRAME_RATE = 30;
const BITS_PER_SECOND = 5_000_000;
const KINDS = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm"];

/** One recording. */
export class ClipRecorder {
  private readonly canvas = document.createElement("canvas");
  private readonly recorder: MediaRecorder;
  private readonly pieces: Blob[] = [];
  private readonly voice: MediaStreamAudioDestinationNode | null;
  private readonly output: AudioNode | null;
  private readonly began = performance.now();

  /** Whether this browser can record at all. */
  static get isPossible(): boolean {
    return typeof MediaRecorder === "function" && KINDS.some((kind) => MediaRecorder.isTypeSupported(kind));
  }

  constructor(
    private readonly view: AvatarView,
    private readonly backdrop: Backdrop,
  ) {
    const { clientWidth, clientHeight } = view.canvas;
    const scale = Math.min((devicePixelRatio || 1), MAX_LINES / clientHeight);
    const even = (x: number): number => Math.max(2, 2 * Math.round((x * scale) / 2));
    Object.assign(this.canvas, { width: even(clientWidth), height: even(clientHeight) });
    const stream = this.canvas.captureStream(FRAME_RATE);
    this.output = view.controller.audioOutput;
    this.voice = this.output ? (this.output.context as AudioContext).createMediaStreamDestination() : null;
    if (this.voice) {
      this.output!.connect(this.voice);
      for (const track of this.voice.stream.getAudioTracks()) stream.addTrack(track);
    }
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind))!;
    this.recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
    this.recorder.ondataavailable = ({ data }) => this.pieces.push(data);
    this.recorder.start(1000);
  }

  /** Seconds since the beginning. */
  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** Take the picture of now; call it after the view has drawn, in the same frame. */
  frame(): void {
    const context = this.canvas.getContext("2d")!;
    const { width, height } = this.canvas;
    context.clearRect(0, 0, width, height);
    this.backdrop.current.paint(context, width, height);
    context.drawImage(this.view.canvas, 0, 0, width, height);
  }

  /** End it; the file. */
  async finish(): Promise<Blob> {
    const stopped = new Promise((done) => (this.recorder.onstop = done));
    this.recorder.stop();
    await stopped;
    for (const track of this.recorder.stream.getTracks()) track.stop();
    if (this.voice) this.output?.disconnect(this.voice);
    return new Blob(this.pieces, { type: "video/webm" });
  }
}

/** Hand a file to the visitor. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

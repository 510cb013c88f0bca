/** The camera: a mirrored preview, a countdown, a still. */

import { asJpeg, UnfitPicture } from "./picture.js";

const COUNT_FROM = 3;
const COUNT_MS = 1000;

/** One use of the camera; `close` lets it go. */
export class Camera {
  private stream: MediaStream | null = null;
  private isClosed = false;

  constructor(private readonly video: HTMLVideoElement) {}

  /** Show what it sees. Rejects with an {@link UnfitPicture} that says what to do where there is none. */
  async open(): Promise<void> {
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } } });
    } catch (reason) {
      throw new UnfitPicture(refusal(reason));
    }
    if (this.isClosed) return stop(stream);
    this.stream = stream;
    this.video.srcObject = stream;
    await this.video.play();
  }

  /** Count down, telling each number and at last `null`, and take the picture; `null` when it was closed meanwhile. */
  async take(maxBytes: number, onCount: (left: number | null) => void): Promise<Blob | null> {
    for (let left = COUNT_FROM; left > 0; left--) {
      onCount(left);
      await new Promise((done) => setTimeout(done, COUNT_MS));
      if (this.isClosed) return null;
    }
    onCount(null);
    // As the camera saw it: the mirror is for the preview only.
    return asJpeg(this.video, this.video.videoWidth, this.video.videoHeight, maxBytes);
  }

  close(): void {
    this.isClosed = true;
    if (this.stream) stop(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function refusal(reason: unknown): string {
  const name = reason instanceof DOMException ? reason.name : "";
  if (name === "NotAllowedError") return "The camera was refused. Allow it for this page (the icon beside the address), or choose a photo.";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "No camera was found. Plug one in, or choose a photo.";
  if (name === "NotReadableError") return "Another program holds the camera. Close it there, or choose a photo.";
  return "The camera cannot be used here: browsers offer it on https and on localhost only. Choose a photo instead.";
}

/** PCM to Ogg Opus on its way to the server, with WebCodecs. */

import { concatenate, OggWriter } from "./ogg.js";

/** Rates, in hertz, that an Opus encoder takes. */
const RATES_HZ = [8000, 16000, 24000, 48000];
const MICROSECONDS = 1e6;

/** Whether this browser encodes Opus from PCM of a rate. */
export async function canEncode(sampleRate: number, bitrate: number): Promise<boolean> {
  if (!globalThis.AudioEncoder || !RATES_HZ.includes(sampleRate)) return false;
  try {
    return (await AudioEncoder.isConfigSupported(configOf(sampleRate, bitrate))).supported ?? false;
  } catch {
    return false;
  }
}

/** Encodes one round. */
export class OpusUplink {
  private readonly writer = new OggWriter();
  private readonly encoder: AudioEncoder;
  private given = 0; // samples
  private begun = false;
  private ending = false;
  private last: Uint8Array | null = null; // held back at the end, since its page tells where the sound ends
  private closed = false;

  /**
   * @param onBytes Called with pieces of the stream, in order; `end` with the last.
   * @param onError Called with what went wrong; nothing follows.
   */
  constructor(
    private readonly sampleRate: number,
    bitrate: number,
    private readonly onBytes: (bytes: Uint8Array, end: boolean) => void,
    private readonly onError: (reason: Error) => void,
  ) {
    this.encoder = new AudioEncoder({
      output: (chunk, metadata) => this.take(chunk, metadata),
      error: (reason) => this.fail(reason),
    });
    this.encoder.configure(configOf(sampleRate, bitrate));
  }

  /** Take samples. */
  push(samples: Int16Array, end: boolean): void {
    const { sampleRate } = this;
    for (let at = 0; at < samples.length; at += sampleRate) {
      const data = samples.slice(at, at + sampleRate);
      const timestamp = Math.round((this.given / sampleRate) * MICROSECONDS);
      const piece = new AudioData({ format: "s16", sampleRate, numberOfFrames: data.length, numberOfChannels: 1, timestamp, data });
      this.encoder.encode(piece);
      piece.close();
      this.given += data.length;
    }
    if (!end) return;
    this.ending = true;
    this.encoder.flush().then(
      () => this.finish(),
      (reason: Error) => this.fail(reason),
    );
  }

  /** Stop; nothing is handed out any more. Idempotent. */
  close(): void {
    this.closed = true;
    if (this.encoder.state !== "closed") this.encoder.close();
  }

  private take(chunk: EncodedAudioChunk, metadata?: EncodedAudioChunkMetadata): void {
    if (this.closed) return;
    const packet = new Uint8Array(chunk.byteLength);
    chunk.copyTo(packet);
    if (!this.begun) {
      this.begun = true;
      this.onBytes(this.writer.headers(preSkipOf(metadata?.decoderConfig?.description)), false);
    }
    const ready = this.ending ? this.last : packet;
    if (this.ending) this.last = packet;
    if (ready) this.onBytes(this.writer.packet(ready), false);
  }

  private finish(): void {
    if (this.closed) return;
    const headers = this.begun ? new Uint8Array() : this.writer.headers(0);
    const end = this.writer.end(this.last, Math.ceil((this.given * 48000) / this.sampleRate));
    this.onBytes(concatenate([headers, end]), true);
    this.close();
  }

  private fail(reason: Error): void {
    if (this.closed) return;
    this.close();
    this.onError(reason);
  }
}

function configOf(sampleRate: number, bitrate: number): AudioEncoderConfig {
  return { codec: "opus", sampleRate, numberOfChannels: 1, bitrate };
}

/** Samples at 48 kHz that the decoder has to skip, from the stream's `OpusHead`. */
function preSkipOf(description: AllowSharedBufferSource | undefined): number {
  if (!description) return 0;
  const bytes = ArrayBuffer.isView(description) ? new Uint8Array(description.buffer, description.byteOffset) : new Uint8Array(description);
  return bytes.length >= 12 ? bytes[10]! | (bytes[11]! << 8) : 0;
}

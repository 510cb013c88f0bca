/** One round's Opus: bytes as the app has them, to an Ogg stream for the server and samples for the speaker. */

import { error, ErrorCode, type AvatarError } from "../errors.js";
import { containerOf } from "./containers.js";
import { concatenate, mayBeOgg, OggReader, OggWriter, packetSamples, readHead } from "./ogg.js";
import { openPacketDecoder, type PacketDecoder } from "./opus-decoder.js";

const PRE_SKIP = 312; // of bare packets: that of libopus at its usual settings

/** Takes one round's calls, in order. */
export class OpusInput {
  private readonly reader = new OggReader();
  private readonly writer = new OggWriter();
  private isOgg: boolean | null = null;
  private queue: Promise<void> = Promise.resolve();
  private decoder: Promise<PacketDecoder> | null = null;
  private preSkip = PRE_SKIP;
  private skipped = 0;
  private out = 0; // samples handed out
  private total = Infinity; // samples that the stream holds, once its end told
  private closed = false;

  /**
   * @param onSamples Called in order with samples at 48 kHz; `last` once, behind everything.
   * @param onError Called with what went wrong; nothing follows.
   */
  constructor(
    private readonly onSamples: (samples: Int16Array, last: boolean) => void,
    private readonly onError: (reason: Error) => void,
    private readonly open: () => Promise<PacketDecoder> = openPacketDecoder,
  ) {}

  /**
   * Take an app's call and return the bytes for the server. Throws `invalidAudioInput`, taking nothing, for what
   * is no mono Opus.
   */
  push(bytes: Uint8Array, end: boolean): Uint8Array {
    const begins = this.isOgg === null && bytes.length > 0;
    if (begins) {
      const container = containerOf(bytes);
      if (container && container !== "Ogg") throw notOpus(container);
      this.isOgg = mayBeOgg(bytes);
    }
    const packets: Uint8Array[] = [];
    let upstream = bytes;
    if (this.isOgg) {
      for (const { data, granule } of this.reader.push(bytes)) {
        const head = readHead(data);
        if (head) this.preSkip = head.preSkip;
        else if (data.length && !isTags(data)) packets.push(data);
        if (granule > 0) this.total = granule - this.preSkip;
      }
    } else if (bytes.length) {
      packetSamples(bytes); // refuses what is no packet
      packets.push(bytes.slice());
      upstream = concatenate([begins ? this.writer.headers(PRE_SKIP) : new Uint8Array(), this.writer.packet(bytes)]);
    }
    if (end && this.isOgg === false) upstream = concatenate([upstream, this.writer.end()]);
    this.decode(packets, end);
    return upstream;
  }

  /** Stop; nothing is handed out any more. */
  close(): void {
    this.closed = true;
    void this.decoder?.then((decoder) => decoder.close(), () => undefined);
  }

  private decode(packets: readonly Uint8Array[], end: boolean): void {
    this.decoder ??= this.open();
    this.queue = this.queue.then(async () => {
      if (this.closed) return;
      try {
        const decoder = await this.decoder!;
        for (const packet of packets) this.give(await decoder.decode(packet), false);
        if (end) this.give(await decoder.flush(), true);
      } catch (reason) {
        if (this.closed) return;
        this.close();
        this.onError(reason as Error);
      }
    });
  }

  private give(samples: Int16Array, last: boolean): void {
    if (this.closed) return;
    const start = Math.min(this.preSkip - this.skipped, samples.length);
    this.skipped += start;
    // The end of the stream may be padding.
    const count = last ? Math.max(0, Math.min(samples.length - start, this.total - this.out)) : samples.length - start;
    const part = samples.subarray(start, start + count);
    this.out += part.length;
    if (part.length || last) this.onSamples(part, last);
    if (last) this.close();
  }
}

function isTags(packet: Uint8Array): boolean {
  return new TextDecoder().decode(packet.subarray(0, 8)) === "OpusTags";
}

function notOpus(container: string): AvatarError {
  return error(ErrorCode.invalidAudioInput, `This is the start of a ${container} file, not Opus.`, {
    hint: "Send mono Opus: an Ogg stream cut anywhere, or one bare packet a call.",
  });
}

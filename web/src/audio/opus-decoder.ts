/** Opus packets to samples at 48 kHz: WebCodecs where the browser has it, else a WebAssembly decoder. */

import { error, ErrorCode } from "../errors.js";
import { pcmFromFloats } from "./pcm.js";

/** Decodes one mono stream, in order. */
export interface PacketDecoder {
  /** Resolves with the samples of a packet, perhaps those of earlier ones. */
  decode(packet: Uint8Array): Promise<Int16Array>;
  /** Resolves with what is still inside. */
  flush(): Promise<Int16Array>;
  close(): void;
}

const WEBCODECS = { codec: "opus", sampleRate: 48000, numberOfChannels: 1 };

/** Open a decoder. Rejects with `missingDependency` when neither kind can be had. */
export async function openPacketDecoder(): Promise<PacketDecoder> {
  if (globalThis.AudioDecoder && (await AudioDecoder.isConfigSupported(WEBCODECS)).supported) return new WebCodecs();
  try {
    const { OpusDecoder } = await import("opus-decoder");
    const decoder = new OpusDecoder({ channels: 1, sampleRate: 48000 });
    await decoder.ready;
    return {
      decode: (packet) => Promise.resolve(pcmFromFloats(decoder.decodeFrame(packet).channelData[0]!)),
      flush: () => Promise.resolve(new Int16Array()),
      close: () => decoder.free(),
    };
  } catch (cause) {
    throw error(ErrorCode.missingDependency, "This browser has no Opus decoder, and 'opus-decoder' cannot be loaded.", {
      cause,
      phase: "interact",
    });
  }
}

class WebCodecs implements PacketDecoder {
  private decoded: Int16Array[] = [];
  private time = 0;
  private failure: Error | null = null;
  private readonly decoder = new AudioDecoder({
    output: (data) => {
      const floats = new Float32Array(data.numberOfFrames);
      data.copyTo(floats, { planeIndex: 0, format: "f32-planar" });
      data.close();
      this.decoded.push(pcmFromFloats(floats));
    },
    error: (reason) => (this.failure = reason),
  });

  constructor() {
    this.decoder.configure(WEBCODECS);
  }

  async decode(packet: Uint8Array): Promise<Int16Array> {
    this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: (this.time += 20_000), data: packet as Uint8Array<ArrayBuffer> }));
    // Its output comes in tasks of its own; asking for it in between keeps the delay small.
    await new Promise<void>((done) => setTimeout(done));
    return this.take();
  }

  async flush(): Promise<Int16Array> {
    await this.decoder.flush();
    return this.take();
  }

  close(): void {
    if (this.decoder.state !== "closed") this.decoder.close();
  }

  private take(): Int16Array {
    if (this.failure) {
      throw error(ErrorCode.invalidAudioInput, "The Opus audio cannot be decoded.", { cause: this.failure });
    }
    const out = new Int16Array(this.decoded.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.decoded) {
      out.set(part, at);
      at += part.length;
    }
    this.decoded = [];
    return out;
  }
}

/** Opus in and out: WebCodecs where it is, the WebAssembly decoder where not, and the Ogg pages between. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OggReader, readHead } from "../../src/audio/ogg.js";
import { openPacketDecoder } from "../../src/audio/opus-decoder.js";
import { canEncode, OpusUplink } from "../../src/audio/opus-encoder.js";
import { installFakeEncoder } from "../support/fake-encoder.js";

const MEDIA = new URL("../../../tests/conformance/media/", import.meta.url);
const packets = (JSON.parse(readFileSync(new URL("packets.json", MEDIA), "utf8")) as string[]).map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));

afterEach(() => vi.unstubAllGlobals());

describe("decoding", () => {
  const decoders: FakeDecoder[] = [];

  class FakeDecoder {
    static supported = true;
    static isConfigSupported = async (): Promise<{ supported: boolean }> => ({ supported: FakeDecoder.supported });
    state = "unconfigured";
    readonly timestamps: number[] = [];
    constructor(readonly given: { output: (data: unknown) => void; error: (reason: Error) => void }) {
      decoders.push(this);
    }
    configure(): void {
      this.state = "configured";
    }
    decode({ timestamp }: { timestamp: number }): void {
      this.timestamps.push(timestamp);
      const copyTo = (to: Float32Array): void => void to.fill(0.5);
      this.given.output({ numberOfFrames: 960, copyTo, close: () => undefined });
    }
    async flush(): Promise<void> {}
    close(): void {
      this.state = "closed";
    }
  }

  beforeEach(() => {
    decoders.length = 0;
    FakeDecoder.supported = true;
    vi.stubGlobal("AudioDecoder", FakeDecoder);
    vi.stubGlobal("EncodedAudioChunk", class {
      readonly timestamp: number;
      constructor(given: { timestamp: number }) {
        this.timestamp = given.timestamp;
      }
    });
  });

  test("is the browser's where it can", async () => {
    const decoder = await openPacketDecoder();
    expect([...new Set(await decoder.decode(packets[0]!))]).toEqual([16384]);
    expect(await decoder.decode(packets[1]!)).toHaveLength(960);
    expect(await decoder.flush()).toHaveLength(0);
    expect(decoders[0]!.timestamps).toEqual([20_000, 40_000]);
    decoder.close();
    decoder.close();
    expect(decoders[0]!.state).toBe("closed");
  });

  test("a broken packet is told as unusable audio", async () => {
    const decoder = await openPacketDecoder();
    decoders[0]!.given.error(new DOMException("decoding failed", "EncodingError") as unknown as Error);
    await expect(decoder.decode(packets[0]!)).rejects.toMatchObject({ code: "invalidAudioInput" });
  });

  test.each(["where it cannot", "where there is none"])("is WebAssembly's %s", async (where) => {
    FakeDecoder.supported = false;
    if (where === "where there is none") vi.stubGlobal("AudioDecoder", undefined);
    const decoder = await openPacketDecoder();
    let samples = 0;
    let loudest = 0;
    for (const packet of packets) {
      const decoded = await decoder.decode(packet);
      samples += decoded.length;
      loudest = Math.max(loudest, ...decoded);
    }
    decoder.close();
    expect(decoders).toEqual([]);
    expect(samples).toBe(960 * packets.length);
    expect(loudest).toBeGreaterThan(1000); // a tone
  });
});

describe("encoding", () => {
  beforeEach(() => installFakeEncoder());

  const encode = async (pieces: number[], rate = 16000): Promise<{ stream: Uint8Array; ends: boolean[] }> => {
    const parts: Uint8Array[] = [];
    const ends: boolean[] = [];
    const uplink = new OpusUplink(rate, 48000, (bytes, end) => (parts.push(bytes), ends.push(end)), (reason) => expect.unreachable(String(reason)));
    pieces.forEach((count, i) => uplink.push(new Int16Array(count), i === pieces.length - 1));
    await vi.waitFor(() => expect(ends.at(-1)).toBe(true));
    return { stream: Uint8Array.from(parts.flatMap((part) => [...part])), ends };
  };

  test.each([
    ["whole packets", [16000]],
    ["odd pieces", [1, 333, 4000, 7]],
    ["more than a second at once, and no sound behind it", [48_123, 0]],
  ])("makes one stream that tells its length: %s", async (_, pieces) => {
    const { stream, ends } = await encode(pieces);
    expect(ends.filter(Boolean)).toHaveLength(1);
    const samples = pieces.reduce((sum, count) => sum + count, 0);
    const [head, tags, ...sound] = new OggReader().push(stream);
    expect(readHead(head!.data)).toEqual({ preSkip: 0 });
    expect(new TextDecoder().decode(tags!.data.subarray(0, 8))).toBe("OpusTags");
    expect(sound.filter(({ data }) => data.length)).toHaveLength(Math.ceil(samples / 320));
    expect(sound.at(-1)!.granule).toBe(Math.min(3 * samples, 960 * Math.ceil(samples / 320)));
  });

  test("an empty round is an empty stream", async () => {
    const { stream } = await encode([0]);
    expect(new OggReader().push(stream).filter(({ data }) => data.length)).toHaveLength(2); // its headers
  });

  test("is offered where the browser and the rate allow", async () => {
    expect(await canEncode(16000, 48000)).toBe(true);
    expect(await canEncode(22050, 48000)).toBe(false);
    vi.stubGlobal("AudioEncoder", undefined);
    expect(await canEncode(16000, 48000)).toBe(false);
  });

  test("what was dropped hands nothing more out", async () => {
    const parts: Uint8Array[] = [];
    const uplink = new OpusUplink(16000, 48000, (bytes) => parts.push(bytes), () => expect.unreachable());
    uplink.push(new Int16Array(3200), true);
    const { length } = parts;
    uplink.close();
    uplink.close();
    await new Promise((done) => setTimeout(done));
    expect(parts).toHaveLength(length); // without the end
  });
});

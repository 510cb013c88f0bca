/** Ogg pages (RFC 3533) in and out, for Opus (RFC 7845): one logical stream, cut anywhere. */

import { error, ErrorCode, type AvatarError } from "../errors.js";

const CAPTURE = 0x5367674f; // "OggS", little endian
const HEADER = 27;
const LONGEST_PACKET = 64 * 1024;

/** Whether bytes begin an Ogg stream, or may still turn out to. */
export function mayBeOgg(bytes: Uint8Array): boolean {
  return [0x4f, 0x67, 0x67, 0x53].every((byte, i) => i >= bytes.length || bytes[i] === byte);
}

/** What {@link OggReader.push} hands out. */
export interface OggPacket {
  readonly data: Uint8Array;
  /** Samples at 48 kHz in the stream so far, where the last page told; else -1. */
  readonly granule: number;
}

/** Takes bytes as they come and hands out whole packets. */
export class OggReader {
  private rest = new Uint8Array();
  private partial: Uint8Array[] = [];
  private partialBytes = 0;

  /** Throws `invalidAudioInput` for what is no Ogg stream. */
  push(bytes: Uint8Array): OggPacket[] {
    this.rest = concatenate([this.rest, bytes]);
    const packets: OggPacket[] = [];
    for (let length = this.take(packets); length > 0; length = this.take(packets)) this.rest = this.rest.slice(length);
    return packets;
  }

  /** Read the page at the start of `rest`; returns its length, or 0 when it is not whole yet. */
  private take(packets: OggPacket[]): number {
    const page = this.rest;
    if (page.length < HEADER) return 0;
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    if (view.getUint32(0, true) !== CAPTURE || page[4] !== 0) throw bad("it is no Ogg stream");
    const segments = page[26]!;
    if (page.length < HEADER + segments) return 0;
    const table = page.subarray(HEADER, HEADER + segments);
    const end = HEADER + segments + table.reduce((sum, size) => sum + size, 0);
    if (page.length < end) return 0;
    if (crc(page.subarray(0, end)) !== view.getUint32(22, true)) throw bad("a page is damaged");
    if (!(page[5]! & 1)) this.drop(); // a fresh packet: whatever was left of another is lost
    const granule = view.getInt32(10, true) < 0 ? -1 : view.getUint32(6, true) + view.getUint32(10, true) * 2 ** 32;
    let at = HEADER + segments;
    const found: Uint8Array[] = [];
    for (const size of table) {
      this.partial.push(page.slice(at, at + size));
      this.partialBytes += size;
      if (this.partialBytes > LONGEST_PACKET) throw bad("a packet is too long");
      at += size;
      if (size < 255) {
        found.push(concatenate(this.partial));
        this.drop();
      }
    }
    found.forEach((data, i) => packets.push({ data, granule: i === found.length - 1 ? granule : -1 }));
    return end;
  }

  private drop(): void {
    this.partial = [];
    this.partialBytes = 0;
  }
}

/** Wraps bare Opus packets into an Ogg stream, one packet a page. */
export class OggWriter {
  private sequence = 0;
  private granule = 0;
  private preSkip = 0;
  private readonly serial = (Math.random() * 2 ** 32) >>> 0;

  /** The two header pages; pre-skip in samples at 48 kHz. */
  headers(preSkip: number): Uint8Array {
    this.preSkip = preSkip;
    const head = new Uint8Array(19);
    head.set(new TextEncoder().encode("OpusHead"));
    head.set([1, 1, preSkip & 255, preSkip >> 8, 0x80, 0xbb], 8);
    const tags = new Uint8Array(25);
    tags.set(new TextEncoder().encode("OpusTags"));
    tags.set([9, 0, 0, 0], 8);
    tags.set(new TextEncoder().encode("avatarkit"), 12);
    return concatenate([this.page(head, 2), this.page(tags, 0)]);
  }

  /** A packet as a page. */
  packet(data: Uint8Array): Uint8Array {
    this.granule += packetSamples(data);
    return this.page(data, 0);
  }

  /** The page that ends the stream, with its last packet if there is one; it tells that no more than `samples` count. */
  end(last: Uint8Array | null = null, samples = Infinity): Uint8Array {
    if (last) this.granule = Math.min(this.granule + packetSamples(last), this.preSkip + samples);
    return this.page(last ?? new Uint8Array(), 4);
  }

  private page(data: Uint8Array, flags: number): Uint8Array {
    const segments = Math.floor(data.length / 255) + 1;
    const page = new Uint8Array(HEADER + segments + data.length);
    const view = new DataView(page.buffer);
    view.setUint32(0, CAPTURE, true);
    page[5] = flags;
    view.setUint32(6, this.granule % 2 ** 32, true);
    view.setUint32(10, Math.floor(this.granule / 2 ** 32), true);
    view.setUint32(14, this.serial, true);
    view.setUint32(18, this.sequence++, true);
    page[26] = segments;
    page.fill(255, HEADER, HEADER + segments - 1);
    page[HEADER + segments - 1] = data.length % 255;
    page.set(data, HEADER + segments);
    view.setUint32(22, crc(page), true);
    return page;
  }
}

/** Samples at 48 kHz that an Opus packet holds (RFC 6716, section 3.1); throws `invalidAudioInput`. */
export function packetSamples(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined) throw bad("a packet is empty");
  const configuration = toc >> 3;
  const frame =
    configuration < 12
      ? [480, 960, 1920, 2880][configuration & 3]!
      : configuration < 16
        ? [480, 960][configuration & 1]!
        : [120, 240, 480, 960][configuration & 3]!;
  const count = [1, 2, 2][toc & 3] ?? (packet[1] ?? 0) & 63;
  if (count === 0 || count * frame > 5760) throw bad("a packet is no Opus packet");
  return count * frame;
}

/** What an `OpusHead` packet says, or `null` for another packet; throws `invalidAudioInput` unless mono. */
export function readHead(packet: Uint8Array): { preSkip: number } | null {
  if (packet.length < 19 || new TextDecoder().decode(packet.subarray(0, 8)) !== "OpusHead") return null;
  if (packet[9] !== 1) throw bad("it is not mono");
  return { preSkip: packet[10]! | (packet[11]! << 8) };
}

/** The parts one after the other. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let value = i << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** The checksum of a page, whose own field counts as zeros. */
function crc(page: Uint8Array): number {
  let value = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i]!;
    value = ((value << 8) ^ TABLE[((value >>> 24) ^ byte) & 255]!) >>> 0;
  }
  return value;
}

function bad(reason: string): AvatarError {
  return error(ErrorCode.invalidAudioInput, `The Opus audio cannot be used: ${reason}.`, {
    hint: "Send mono Opus: an Ogg stream cut anywhere, or one bare packet a call.",
  });
}

/**
 * The client's side of one Motion Server connection, without I/O: bytes in, events out. Order of a session: our
 * configuration, the server's confirmation, then audio and interrupts out and motion in.
 */

import { framesFromQuantised, HEAD_COUNT, WEIGHT_COUNT, type MotionFrames } from "../frames.js";
import { SAMPLE_RATES_HZ } from "../types.js";
import { decode, encode } from "./codec.js";
import { AudioFormat, MessageShape, MessageType, type Message, type MotionChunk } from "./gen/messages.js";
import { isUsableId } from "./ids.js";
import { AUDIO_MESSAGE_BYTES, MAX_CHUNK_FRAMES, MAX_SERVER_MESSAGE_BYTES, MAX_TEXT_CHARACTERS } from "./limits.js";

/** The newest motion format that this reader knows. */
export const MOTION_VERSION = 1;
const MAX_FRAME_RATE = 240;
const MAX_FRAME_NUMBER = 2 ** 32 - 1;

/** A broken rule of the protocol. Its text is one sentence, safe to show. */
export class ProtocolError extends Error {
  constructor(
    message: string,
    /** The motion is of a newer format: an upgrade helps. */
    readonly newerMotion = false,
  ) {
    super(message);
  }
}

/** How audio goes upstream: hertz of PCM, or Ogg Opus at 48000, with its bit rate if it is ours. */
export interface WireFormat {
  readonly sampleRate: number;
  readonly opus: boolean;
  readonly bitrate?: number;
}

/** What the server's bytes mean. */
export type ServerEvent =
  | { readonly type: "confirmed"; readonly connectionId: string; readonly capabilities: readonly string[] }
  | {
      readonly type: "motion";
      readonly requestId: string;
      /** `null` when the message carries nothing but the end. */
      readonly frames: MotionFrames | null;
      /** The last of its request. */
      readonly end: boolean;
      /** Size of the whole message. */
      readonly bytes: number;
    }
  | { readonly type: "error"; readonly code: number; readonly message: string; readonly requestId: string }
  | { readonly type: "rejected"; readonly reason: string; readonly newerMotion: boolean };

/** Rules and memory of one connection. */
export class ClientSession {
  private configured = false;
  private open = false;

  /** Whether the server has taken the session. */
  get confirmed(): boolean {
    return this.open;
  }

  /** The first message. `extraParams` is what else is asked of the server, by name. */
  configure({ sampleRate, opus, bitrate = 0 }: WireFormat, extraParams: Record<string, string> = {}): Uint8Array {
    if (!(SAMPLE_RATES_HZ as readonly number[]).includes(sampleRate)) {
      throw new ProtocolError(`unsupported sample rate ${sampleRate}`);
    }
    if (this.configured) throw new ProtocolError("the session is configured already");
    this.configured = true;
    const audioFormat = opus ? AudioFormat.OGG_OPUS : AudioFormat.PCM_S16LE;
    return encodeMessage(MessageType.CLIENT_CONFIGURE_SESSION, {
      case: "clientConfigureSession",
      value: { sampleRate, bitrate, audioFormat, extraParams },
    });
  }

  /** Messages that carry audio bytes of a request; `end` rides on the last, which may be empty. */
  audio(requestId: string, bytes: Uint8Array, end: boolean): Uint8Array[] {
    this.requireOpen();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += AUDIO_MESSAGE_BYTES) pieces.push(bytes.subarray(at, at + AUDIO_MESSAGE_BYTES));
    if (!pieces.length && end) pieces.push(new Uint8Array());
    return pieces.map((audio, i) =>
      encodeMessage(MessageType.CLIENT_AUDIO_INPUT, {
        case: "clientAudioInput",
        value: { reqId: requestId, audio, end: end && i === pieces.length - 1 },
      }),
    );
  }

  /** The message that drops what is not inferred yet of a request. */
  interrupt(requestId: string): Uint8Array {
    this.requireOpen();
    return encodeMessage(MessageType.CLIENT_INTERRUPT, { case: "clientInterrupt", value: { reqId: requestId } });
  }

  /**
   * Take one binary message. Before the confirmation only a confirmation or an error will do, and anything else
   * throws {@link ProtocolError}; afterwards unknown types are ignored and a message that cannot be used gives a
   * `rejected` event.
   */
  receive(bytes: Uint8Array): ServerEvent | null {
    if (!this.open) return this.first(decodeMessage(bytes));
    if (!bytes.length) return null;
    try {
      return handle(decodeMessage(bytes), bytes.length);
    } catch (reason) {
      if (!(reason instanceof ProtocolError)) throw reason;
      return { type: "rejected", reason: reason.message, newerMotion: reason.newerMotion };
    }
  }

  /** Take one text message: ignored once the session is confirmed. */
  receiveText(): void {
    this.requireOpen();
  }

  private first(message: Message): ServerEvent {
    if (message.type === MessageType.SERVER_ERROR) return errorEvent(message);
    if (message.type !== MessageType.SERVER_CONFIRM_SESSION) {
      throw new ProtocolError(`message type ${message.type} came before the confirmation`);
    }
    const body = message.data.case === "serverConfirmSession" ? message.data.value : null;
    if (!body || !isUsableId(body.connectionId)) throw new ProtocolError("the confirmation has no connection id");
    this.open = true;
    return { type: "confirmed", connectionId: body.connectionId, capabilities: body.capabilities };
  }

  private requireOpen(): void {
    if (!this.open) throw new ProtocolError("the server has not confirmed the session yet");
  }
}

/** One motion message from raw bytes, for Backend Mode; `null` when it is of another kind. */
export function readMotion(bytes: Uint8Array): Extract<ServerEvent, { type: "motion" }> | null {
  const event = handle(decodeMessage(bytes), bytes.length);
  return event?.type === "motion" ? event : null;
}

function encodeMessage(type: number, data: { case: string; value: object }): Uint8Array {
  return encode(MessageShape, { type, data: data as Message["data"] }); // what is left out has its default
}

function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length > MAX_SERVER_MESSAGE_BYTES) {
    throw new ProtocolError(`message of ${bytes.length} bytes is over the limit of ${MAX_SERVER_MESSAGE_BYTES}`);
  }
  try {
    return decode(MessageShape, bytes);
  } catch {
    throw new ProtocolError("the bytes are no message");
  }
}

function handle(message: Message, size: number): ServerEvent | null {
  if (message.type === MessageType.SERVER_ERROR) return errorEvent(message);
  if (message.type !== MessageType.SERVER_RESPONSE_ANIMATION) return null;
  if (message.data.case !== "serverResponseAnimation") throw new ProtocolError("a motion message without its body");
  const { reqId, end, motion } = message.data.value;
  if (!isUsableId(reqId)) throw new ProtocolError("a motion message without a usable req_id");
  // An empty chunk carries nothing but the end.
  const holds = motion && (motion.frameCount > 0 || motion.version > MOTION_VERSION);
  return { type: "motion", requestId: reqId, frames: holds ? framesOf(motion) : null, end, bytes: size };
}

function framesOf(chunk: MotionChunk): MotionFrames {
  const { version, frameRate, firstFrame, frameCount, weights, head } = chunk;
  if (version > MOTION_VERSION) {
    throw new ProtocolError(`motion format ${version} is newer than ${MOTION_VERSION}, the newest this reader knows`, true);
  }
  if (version === 0) throw new ProtocolError("motion without a format version");
  if (frameCount > MAX_CHUNK_FRAMES) throw new ProtocolError(`motion holds ${frameCount} frames, not 1..${MAX_CHUNK_FRAMES}`);
  if (weights.length !== frameCount * WEIGHT_COUNT || head.length !== frameCount * HEAD_COUNT * 2) {
    throw new ProtocolError(`${weights.length} weight bytes and ${head.length} head bytes do not make ${frameCount} frames`);
  }
  if (firstFrame > MAX_FRAME_NUMBER - frameCount) throw new ProtocolError(`first frame ${firstFrame} is out of range`);
  if (!(frameRate > 0 && frameRate <= MAX_FRAME_RATE)) throw new ProtocolError(`frame rate ${frameRate} is out of range`);
  return framesFromQuantised(weights, head, firstFrame, frameRate);
}

function errorEvent(message: Message): ServerEvent {
  if (message.data.case !== "serverError") throw new ProtocolError("an error message without its body");
  const { code, message: text, reqId } = message.data.value;
  return {
    type: "error",
    code,
    message: text.slice(0, MAX_TEXT_CHARACTERS),
    requestId: reqId.slice(0, MAX_TEXT_CHARACTERS),
  };
}

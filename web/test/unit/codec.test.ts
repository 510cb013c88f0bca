/** The small codec against the whole of @bufbuild/protobuf: the same bytes, the same messages. */
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../src/protocol/codec.js";
import { MessageShape, MessageType, type Message } from "../../src/protocol/gen/messages.js";
import * as full from "../support/gen/avatarkit_pb.js";

type Init = MessageInitShape<typeof full.MessageSchema>;

const weights = Uint8Array.from({ length: 520 }, (_, i) => i & 255);
const MESSAGES: Record<string, Init> = {
  configure: {
    type: MessageType.CLIENT_CONFIGURE_SESSION,
    data: { case: "clientConfigureSession", value: { sampleRate: 48000, bitrate: 32000, audioFormat: 1, extraParams: { motion_style: "happy:0.6", ключ: "значение" } } },
  },
  confirm: {
    type: MessageType.SERVER_CONFIRM_SESSION,
    data: { case: "serverConfirmSession", value: { connectionId: "c\u0000\ufeff", capabilities: ["", "pause", "💬"] } },
  },
  audio: { type: MessageType.CLIENT_AUDIO_INPUT, data: { case: "clientAudioInput", value: { reqId: "r", end: true, audio: weights } } },
  error: { type: MessageType.SERVER_ERROR, data: { case: "serverError", value: { code: -7, message: "no", reqId: "r", connectionId: "c" } } },
  motion: {
    type: MessageType.SERVER_RESPONSE_ANIMATION,
    data: {
      case: "serverResponseAnimation",
      value: { reqId: "r", avatarId: "a", motion: { version: 1, frameRate: 25, firstFrame: 2 ** 32 - 20, frameCount: 10, weights, head: weights.slice(0, 120) } },
    },
  },
  interrupt: { type: MessageType.CLIENT_INTERRUPT, data: { case: "clientInterrupt", value: { reqId: "r" } } },
  empty: { type: MessageType.CLIENT_INTERRUPT, data: { case: "clientInterrupt", value: {} } },
  "unknown type": { type: 4711 as full.MessageType },
};

/** Without what only the full runtime has. */
function plain(value: unknown): any {
  if (!value || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plain);
  const kept = Object.entries(value).filter(([key, item]) => key !== "$typeName" && item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, plain(item)]));
}

const bytesOf = (init: Init): Uint8Array => toBinary(full.MessageSchema, create(full.MessageSchema, init));

describe.each(Object.entries(MESSAGES))("%s", (_, init) => {
  test("is written alike", () => {
    expect(encode(MessageShape, init as Message)).toEqual(bytesOf(init));
  });

  test("is read alike", () => {
    const bytes = bytesOf(init);
    expect(plain(decode(MessageShape, bytes))).toEqual(plain(fromBinary(full.MessageSchema, bytes)));
  });

  test("is refused, cut off within a field", () => {
    const bytes = bytesOf(init);
    for (let length = 1; length < bytes.length; length++) {
      const outcome = (read: () => unknown): unknown => {
        try {
          return plain(read());
        } catch {
          return "refused";
        }
      };
      const part = bytes.subarray(0, length);
      expect(outcome(() => decode(MessageShape, part)), `${length} bytes`).toEqual(
        outcome(() => fromBinary(full.MessageSchema, part)),
      );
    }
  });
});

test("passes over what it does not know", () => {
  const animation = { keyframes: [{ translation: [1, 2, 3], jawPose: [4] }] };
  const known = { reqId: "r", end: true };
  const more = bytesOf({ type: 5, data: { case: "serverResponseAnimation", value: { ...known, animation } } });
  const message = decode(MessageShape, more);
  expect(message.data).toMatchObject({ case: "serverResponseAnimation", value: known });
  const state = bytesOf({ type: 10, data: { case: "serverPlaybackState", value: { reqId: "r", state: 1 } } });
  expect(decode(MessageShape, state)).toEqual({ type: 10, data: { case: undefined } });
});

test("takes a field of another wire type as unknown, and joins parts of a message", () => {
  const first = bytesOf({ type: 4, data: { case: "serverError", value: { code: 3 } } });
  const second = bytesOf({ data: { case: "serverError", value: { message: "late" } } });
  const joined = decode(MessageShape, Uint8Array.from([...first, ...second]));
  expect(joined.data).toMatchObject({ case: "serverError", value: { code: 3, message: "late" } });
  expect(decode(MessageShape, Uint8Array.of(0x0a, 1, 65))).toEqual({ type: 0, data: { case: undefined } }); // field 1 as text
});

test("refuses text that is no UTF-8 and a message longer than its field", () => {
  expect(() => decode(MessageShape, Uint8Array.of(0x2a, 3, 0x22, 1, 0xff))).toThrow();
  expect(() => decode(MessageShape, Uint8Array.of(0x2a, 1, 0x22, 2, 65, 66))).toThrow();
});

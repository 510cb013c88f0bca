/** The Motion Server of a scenario, at the seam where a real client has its WebSocket. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ARKIT_INDEX, type ArkitName } from "../../src/frames.js";
import { AudioFormat, MessageSchema, MessageType, type Message } from "./gen/avatarkit_pb.js";
import type { OpenSocket, SocketListener, Target } from "../../src/transport/socket.js";

/** One connection; the scenario is its server. */
export class ScenarioConnection {
  open = true;
  private received: Message[] = [];

  constructor(private readonly listener: SocketListener) {}

  take(data: Uint8Array): void {
    if (this.open) this.received.push(fromBinary(MessageSchema, data));
  }

  push(bytes: Uint8Array): void {
    queueMicrotask(() => this.open && this.listener.onBytes(bytes));
  }

  text(text: string): void {
    queueMicrotask(() => this.open && this.listener.onText(text));
  }

  message(type: MessageType, name: Message["data"]["case"], value: object): void {
    this.push(toBinary(MessageSchema, create(MessageSchema, { type, data: { case: name, value } as never })));
  }

  confirm(): void {
    this.message(MessageType.SERVER_CONFIRM_SESSION, "serverConfirmSession", { connectionId: "connection" });
  }

  error(code: number, message: string, reqId = ""): void {
    this.message(MessageType.SERVER_ERROR, "serverError", { code, message, reqId });
  }

  end(code: number, reason: string): void {
    queueMicrotask(() => {
      if (!this.open) return;
      this.open = false;
      this.listener.onClose(code, reason);
    });
  }

  /** What came since the last call, as the format words it. */
  takeReceived(names: ReadonlyMap<string, string>): Record<string, unknown>[] {
    const told: Record<string, any>[] = [];
    for (const { data } of this.received) {
      if (data.case === "clientConfigureSession") {
        const format = data.value.audioFormat === AudioFormat.PCM_S16LE ? "pcm" : "opus";
        told.push({ configure: { sampleRate: data.value.sampleRate, format } });
      } else if (data.case === "clientAudioInput") {
        const { reqId, audio, end } = data.value;
        const name = names.get(reqId) ?? reqId;
        const last = told.at(-1);
        if (last?.audio === name) Object.assign(last!, { bytes: last!.bytes + audio.length, end });
        else told.push({ audio: name, bytes: audio.length, end });
      } else if (data.case === "clientInterrupt") {
        told.push({ interrupt: names.get(data.value.reqId) ?? data.value.reqId });
      } else throw new Error(`the client sent a message of kind ${data.case}`);
    }
    this.received = [];
    return told;
  }
}

/** What `motion` of a scenario says. */
export interface Motion {
  first?: number;
  count?: number;
  shape?: ArkitName;
  weight?: number;
  end?: boolean;
  version?: number;
}

/** A `ServerResponseAnimation` as the server sends it. */
export function motionMessage(reqId: string, given: Motion): Uint8Array {
  const { first = 0, count = 0, shape = "jawOpen", weight = 1, end = false, version = 1 } = given;
  const weights = new Uint8Array(52 * count);
  for (let i = 0; i < count; i++) weights[52 * i + ARKIT_INDEX[shape]] = Math.round(255 * weight);
  const chunk = { version, frameRate: 25, firstFrame: first, frameCount: count, weights, head: new Uint8Array(12 * count) };
  const value = { reqId, end, ...(count && { motion: chunk }) };
  const data = { case: "serverResponseAnimation" as const, value };
  return toBinary(
    MessageSchema,
    create(MessageSchema, { type: MessageType.SERVER_RESPONSE_ANIMATION, data: data as never }),
  );
}

/** Answers connections as the scenario says. */
export class ScenarioServer {
  answers: any[];
  readonly connections: ScenarioConnection[] = [];
  readonly attempts: Target[] = [];

  constructor(answer: unknown) {
    this.answers = Array.isArray(answer) ? answer : [answer];
  }

  readonly open: OpenSocket = (target, listener) => {
    this.attempts.push(target);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    const nothing = { bufferedAmount: 0, send: () => undefined, close: () => undefined };
    if (answer === "unreachable") return nothing;
    if (answer === "refused") {
      queueMicrotask(() => listener.onClose(1006, ""));
      return nothing;
    }
    if (answer.status) {
      queueMicrotask(() => listener.onRefused(answer.status, answer.body ?? ""));
      return nothing;
    }
    const connection = new ScenarioConnection(listener);
    this.connections.push(connection);
    queueMicrotask(() => {
      if (!connection.open) return;
      listener.onOpen();
      if (answer === "silent") return;
      if (answer === "confirm") connection.confirm();
      else if (answer.error) connection.error(answer.error.code, answer.error.message);
      else if (answer.close) connection.end(answer.close.code, answer.close.reason ?? "");
      else if ("bytes" in answer) connection.push(Buffer.from(answer.bytes, "hex"));
      else if ("text" in answer) connection.text(answer.text);
    });
    return { bufferedAmount: 0, send: (data) => connection.take(data), close: () => (connection.open = false) };
  };
}

/** One session with a Motion Server, at work: handshake, then audio out and events in. */

import { AvatarError, error, ErrorCode } from "../errors.js";
import { ClientSession, ProtocolError, type ServerEvent, type WireFormat } from "../protocol/session.js";
import { closeError, rejectionError, serverError } from "./meaning.js";
import type { OpenSocket, Socket, Target } from "./socket.js";

/** Audio that may wait for a slow network; more ends the connection. */
const MAX_OUTGOING_BYTES = 64 * 1024 * 1024;

/** What a session tells once it is confirmed. */
export interface LinkListener {
  onEvent(event: ServerEvent): void;
  /** Called once, with the error or `null` for a clean end, unless {@link Link.close} came first. */
  onEnd(reason: AvatarError | null): void;
}

/** A session. Make it with {@link Link.open}. */
export class Link {
  private readonly session = new ClientSession();
  private socket: Socket | null = null;
  private listener: LinkListener | null = null;
  private over = false;

  private constructor(
    /** How its audio goes upstream. */
    readonly wire: WireFormat,
  ) {}

  /**
   * Connect, configure and wait for the confirmation. Rejects with what the server answered instead, or what the
   * network did; {@link cancel} makes it reject with `websocketClosedUnexpected`.
   */
  static open(
    openSocket: OpenSocket,
    target: Target,
    wire: WireFormat,
    extraParams: Record<string, string> = {},
  ): { ready: Promise<Link>; cancel: (reason: AvatarError) => void } {
    const link = new Link(wire);
    let settle: { resolve(link: Link): void; reject(reason: AvatarError): void };
    const ready = new Promise<Link>((resolve, reject) => (settle = { resolve, reject }));
    const fail = (reason: AvatarError): void => {
      link.close();
      settle.reject(reason);
    };
    const receive = (take: () => ServerEvent | null): void => {
      let event: ServerEvent | null;
      try {
        event = take();
      } catch (reason) {
        if (!(reason instanceof ProtocolError)) throw reason;
        fail(error(ErrorCode.websocketError, `The server broke the protocol: ${reason.message}.`));
        return;
      }
      if (event?.type === "error" && !link.session.confirmed) fail(serverError(event.code, event.message, "connect"));
      else if (event?.type === "confirmed") settle.resolve(link);
      else if (event) link.listener?.onEvent(event);
    };
    let opened = false;
    try {
      link.socket = openSocket(target, {
        onOpen: () => {
          opened = true;
          if (!link.over) link.socket!.send(link.session.configure(wire, extraParams));
        },
        onBytes: (bytes) => {
          if (!link.over) receive(() => link.session.receive(bytes));
        },
        onText: () => {
          if (!link.over) receive(() => (link.session.receiveText(), null));
        },
        onRefused: (status, body) => {
          if (!link.over) fail(rejectionError(status, body));
        },
        onClose: (code, reason) => {
          if (link.session.confirmed) link.end(closeError(code, reason));
          else if (!link.over) fail(early(opened, code, reason));
        },
      });
    } catch (reason) {
      // The browser's own message may quote the URL, and with it the token.
      const name = reason instanceof Error ? reason.name : "unknown";
      fail(error(ErrorCode.websocketError, `The connection could not be opened: ${name}.`));
    }
    return { ready, cancel: fail };
  }

  /** Take events from now on. */
  run(listener: LinkListener): void {
    this.listener = listener;
  }

  /** Send audio bytes of a request. */
  sendAudio(requestId: string, bytes: Uint8Array, end: boolean): void {
    if (this.over) return;
    for (const message of this.session.audio(requestId, bytes, end)) this.socket!.send(message);
    if (this.socket!.bufferedAmount > MAX_OUTGOING_BYTES) {
      this.end(error(ErrorCode.websocketError, "The network is too slow for the audio.", { phase: "interact" }));
      this.socket!.close();
    }
  }

  /** Drop a request at the server. */
  interrupt(requestId: string): void {
    if (!this.over) this.socket!.send(this.session.interrupt(requestId));
  }

  /** End the session cleanly. Idempotent; `onEnd` is not called any more. */
  close(): void {
    this.over = true;
    this.listener = null;
    this.socket?.close();
  }

  private end(reason: AvatarError | null): void {
    if (this.over) return;
    this.over = true;
    this.listener?.onEnd(reason);
    this.listener = null;
  }
}

function early(opened: boolean, code: number, reason: string): AvatarError {
  if (code === 1006) {
    return opened
      ? error(ErrorCode.websocketClosedAbnormally, "The connection was lost while it was set up.", { phase: "connect" })
      : error(ErrorCode.websocketError, "The server could not be reached, or refused the connection.");
  }
  return (
    closeError(code, reason) ??
    error(ErrorCode.websocketClosedUnexpected, "The server closed before it confirmed.", { phase: "connect" })
  );
}

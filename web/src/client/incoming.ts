/** What the server, or the backend, sends: motion to the player, errors to the app. */

import { error, ErrorCode, type AvatarError } from "../errors.js";
import type { Clock } from "../clock.js";
import type { SessionMeter } from "../playback/meter.js";
import type { Player } from "../playback/player.js";
import { ProtocolError, readMotion, type ServerEvent } from "../protocol/session.js";
import { serverError } from "../transport/meaning.js";

type MotionEvent = Extract<ServerEvent, { type: "motion" }>;

/** Where it goes. */
export interface IncomingParts {
  readonly clock: Clock;
  readonly player: Player;
  readonly meter: SessionMeter;
  readonly tell: (reason: AvatarError) => void;
  /** The server reported an error that ends the session. */
  readonly onFatal: (reason: AvatarError) => void;
}

/** Takes events of one controller. */
export class Incoming {
  private rejectionTold = false;
  /** The conversation that motion was last handed in for. */
  private handedIn = "";

  constructor(private readonly parts: IncomingParts) {}

  /** A new session begins. */
  reset(): void {
    this.rejectionTold = false;
  }

  /** Take an event of the session. */
  take(event: ServerEvent): void {
    if (event.type === "motion") this.motion(event);
    else if (event.type === "rejected") this.reject(event.reason, event.newerMotion);
    else if (event.type === "error") {
      const reason = serverError(event.code, event.message);
      const isFatal = !event.requestId || (event.code >= 4000 && event.code < 5000);
      if (isFatal) return this.parts.onFatal(reason);
      this.parts.player.endMotion(event.requestId); // that round goes on without motion
      this.parts.tell(reason);
    }
  }

  /** Take an encoded message as the motion of a conversation; returns whether it was the last. */
  takeEncoded(bytes: Uint8Array, conversationId: string): boolean {
    if (conversationId !== this.handedIn) this.reset();
    this.handedIn = conversationId;
    let event: MotionEvent | null;
    try {
      event = readMotion(bytes);
    } catch (reason) {
      if (!(reason instanceof ProtocolError)) throw reason;
      this.reject(reason.message, reason.newerMotion);
      return false;
    }
    // The backend's own request id travels inside; the conversation is what the app says it is.
    if (event) this.motion({ ...event, requestId: conversationId });
    return event?.end ?? false;
  }

  private motion({ requestId, frames, end, bytes }: MotionEvent): void {
    const { player, meter, clock, tell } = this.parts;
    if (frames) {
      meter.motionReceived(requestId, frames.count, frames.frameRate, bytes, clock.now());
      try {
        meter.motionFramesUnused += frames.count - player.pushMotion(requestId, frames);
      } catch (reason) {
        if (!(reason instanceof RangeError)) throw reason;
        tell(error(ErrorCode.invalidAnimationData, `Motion was dropped: ${reason.message}.`));
      }
    }
    if (end) player.endMotion(requestId);
  }

  /** One report is enough for a sender that repeats itself. */
  private reject(reason: string, newerMotion: boolean): void {
    if (this.rejectionTold) return;
    this.rejectionTold = true;
    const hint = newerMotion ? { hint: "Upgrade @avatarkit/web." } : {};
    this.parts.tell(error(ErrorCode.invalidAnimationData, `A message could not be used: ${reason}.`, hint));
  }
}

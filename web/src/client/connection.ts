/** The Direct Mode connection of one controller: its states, what may be done in each, and reconnecting. */

import type { Clock } from "../clock.js";
import { AvatarError, error, ErrorCode } from "../errors.js";
import type { ServerEvent, WireFormat } from "../protocol/session.js";
import { Link } from "../transport/link.js";
import type { OpenSocket } from "../transport/socket.js";
import type { ConnectionState } from "../types.js";
import { fetchToken, hasTokenProvider, sessionToken, type Settings } from "./sdk.js";

const TOKEN_REFUSED: readonly ErrorCode[] = [ErrorCode.sessionTokenInvalid, ErrorCode.sessionTokenExpired];
const LEGAL: Record<ConnectionState, string> = {
  disconnected: "start(), close()",
  connecting: "close(), and waiting for onConnectionState",
  connected: "send(), interrupt(), close()",
  failed: "start(), send() without motion, interrupt(), close()",
};

/** What a connection is made of. */
export interface ConnectionParts {
  readonly settings: Settings;
  readonly avatarId: string;
  readonly clock: Clock;
  readonly openSocket: OpenSocket;
  /** How audio will be sent; asked before each try. */
  readonly wire: () => Promise<WireFormat>;
  /** Called on every change of the state. */
  readonly onState: (state: ConnectionState) => void;
  /** A session begins. */
  readonly onOpen: () => void;
  /** Called with what the server says in a confirmed session. */
  readonly onEvent: (event: ServerEvent) => void;
  /** Called when the state has become `failed`, with the reason. */
  readonly onFailure: (reason: AvatarError) => void;
  /** A session ended that we did not end, or a try failed; the state changes next. */
  readonly onLost: () => void;
}

/** One try: it can be given up at any moment. */
class Attempt {
  readonly givenUp: Promise<never>;
  private reason: AvatarError | null = null;
  private reject!: (reason: AvatarError) => void;
  private cancelLink: ((reason: AvatarError) => void) | null = null;

  constructor() {
    this.givenUp = new Promise((_, reject) => (this.reject = reject));
    this.givenUp.catch(() => undefined);
  }

  cancel(reason: AvatarError): void {
    this.reason = reason;
    this.reject(reason);
    this.cancelLink?.(reason);
  }

  open(...given: Parameters<typeof Link.open>): Promise<Link> {
    if (this.reason) throw this.reason;
    const { ready, cancel } = Link.open(...given);
    this.cancelLink = cancel;
    return ready;
  }
}

/** Opens sessions with the Motion Server, one after the other, and knows how each one ended. */
export class Connection {
  /** Speaking style of the next session, instead of the configuration's; empty is none. */
  motionStyle: string | null = null;
  private current: ConnectionState = "disconnected";
  private attempt: Attempt | null = null;
  private open: Link | null = null;
  private failure: AvatarError | null = null;
  private readonly waiting = new Set<() => void>();
  private tries = 0; // since a session last lasted
  private confirmedAt = 0;
  private stopTrying: (() => void) | null = null;

  constructor(private readonly parts: ConnectionParts) {}

  get state(): ConnectionState {
    return this.current;
  }

  /** The session, while connected. */
  get link(): Link | null {
    return this.open;
  }

  /** See `AvatarController.start`. */
  async start(): Promise<void> {
    if (this.current === "connecting") throw error(ErrorCode.connectionInProgress, "start() is running already.");
    if (this.current === "connected") throw this.illegal("start()");
    this.stopReconnecting();
    await this.run();
  }

  /** See `AvatarController.waitConnected`. */
  async wait(seconds: number): Promise<void> {
    if (this.current === "connecting") {
      let over = (): void => undefined;
      const changed = new Promise<void>((done) => {
        over = done;
        this.waiting.add(done);
      });
      let late = false;
      const cancelTimer = this.parts.clock.after(seconds, () => ((late = true), over()));
      await changed;
      cancelTimer();
      this.waiting.delete(over);
      if (late) throw error(ErrorCode.sessionTimeout, `No session within ${seconds} seconds.`);
    }
    if (this.current === "failed") throw this.failure!;
    if (this.current === "disconnected") throw this.illegal("waitConnected()");
  }

  /** End the session or the try, and stop reconnecting. Idempotent. */
  close(): void {
    this.stopReconnecting();
    const { attempt, open } = this;
    this.attempt = this.open = null;
    this.setState("disconnected");
    attempt?.cancel(closedMeanwhile());
    open?.close();
  }

  /** End the session as failed, because of what the server said in it. */
  giveUp(reason: AvatarError): void {
    const { open } = this;
    this.ended(reason);
    open?.close();
  }

  /** The error for a step that is not legal now, naming those that are. */
  illegal(what: string, why = `the connection is ${this.current}`): AvatarError {
    return error(ErrorCode.illegalState, `${what} is not legal now: ${why}. Legal now: ${LEGAL[this.current]}.`, {
      phase: "interact",
    });
  }

  private async run(): Promise<void> {
    if (sessionToken() === null && !hasTokenProvider()) {
      throw error(ErrorCode.sessionTokenInvalid, "No session token is set.", {
        phase: "authenticate",
        hint: "Call AvatarSDK.setSessionToken() before start().",
      });
    }
    const { clock, settings } = this.parts;
    const attempt = (this.attempt = new Attempt());
    this.setState("connecting");
    const limit = settings.connectTimeoutS;
    const cancelTimer = clock.after(limit, () =>
      attempt.cancel(error(ErrorCode.sessionTimeout, `No session within ${limit} seconds.`)),
    );
    let link: Link;
    try {
      link = await Promise.race([attempt.givenUp, this.connect(attempt)]);
    } catch (reason) {
      if (this.attempt === attempt) {
        this.attempt = null;
        this.fail(reason as AvatarError);
      }
      throw reason;
    } finally {
      cancelTimer();
    }
    if (this.attempt !== attempt) {
      link.close(); // closed in the very moment of success
      throw closedMeanwhile();
    }
    this.attempt = null;
    this.open = link;
    this.confirmedAt = clock.now();
    this.parts.onOpen();
    link.run({ onEvent: this.parts.onEvent, onEnd: (reason) => this.ended(reason) });
    this.setState("connected");
  }

  /** Open a link; with a token provider a refused token is replaced once. */
  private async connect(attempt: Attempt): Promise<Link> {
    const provided = hasTokenProvider();
    if (provided) await fetchToken();
    try {
      return await this.openLink(attempt);
    } catch (reason) {
      if (!provided || !TOKEN_REFUSED.includes((reason as AvatarError).code)) throw reason;
    }
    await fetchToken();
    return this.openLink(attempt);
  }

  private async openLink(attempt: Attempt): Promise<Link> {
    const { openSocket, settings, avatarId, wire } = this.parts;
    const motionStyle = this.motionStyle ?? settings.configuration.motionStyle;
    const wanted = await wire();
    const target = { endpoint: settings.endpoint, avatarId, appId: settings.appId, sessionToken: sessionToken()! };
    return attempt.open(openSocket, target, wanted, motionStyle ? { motion_style: motionStyle } : {});
  }

  /** The link is over, not by us. */
  private ended(reason: AvatarError | null): void {
    if (!this.open) return;
    this.open = null;
    if (!reason) {
      this.parts.onLost();
      this.setState("disconnected");
      return;
    }
    this.fail(reason);
    // It had lasted; a server that drops every session at once is not asked for ever.
    if (this.parts.clock.now() - this.confirmedAt > this.parts.settings.reconnect.maxDelayS) this.tries = 0;
    if (this.current === "failed" && reason.retryable) this.tryLater();
  }

  private tryLater(): void {
    const { attempts, firstDelayS, maxDelayS } = this.parts.settings.reconnect;
    if (this.tries >= attempts) return;
    const cancelTimer = this.parts.clock.after(Math.min(firstDelayS * 2 ** this.tries, maxDelayS), () => {
      this.tries++;
      this.run().then(
        () => (this.stopTrying = null),
        (reason: AvatarError) => {
          if (this.stopTrying === cancelTimer && reason.retryable) this.tryLater();
        },
      );
    });
    this.stopTrying = cancelTimer;
  }

  private stopReconnecting(): void {
    this.stopTrying?.();
    this.stopTrying = null;
    this.tries = 0;
  }

  private fail(reason: AvatarError): void {
    this.failure = reason;
    this.parts.onLost();
    this.setState("failed");
    this.parts.onFailure(reason);
  }

  private setState(state: ConnectionState): void {
    if (state === this.current) return;
    this.current = state;
    for (const done of this.waiting) done();
    this.parts.onState(state);
  }
}

function closedMeanwhile(): AvatarError {
  return error(ErrorCode.websocketClosedUnexpected, "It was closed while it was connecting.");
}

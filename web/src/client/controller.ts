/** Stage 5: connecting to the Motion Server, speaking, and the state of both. */

import { bytesOf, type Bytes } from "../audio/pcm.js";
import type { Speaker } from "../audio/speaker.js";
import type { Clock } from "../clock.js";
import { error, ErrorCode, type AvatarError } from "../errors.js";
import { callBack } from "../log.js";
import { SessionMeter } from "../playback/meter.js";
import { Player } from "../playback/player.js";
import { newId } from "../protocol/ids.js";
import { Link } from "../transport/link.js";
import type { OpenSocket, Target } from "../transport/socket.js";
import type {
  AudioFormat,
  ConnectionState,
  ConversationState,
  FrameRateInfo,
  FrameStarvationMode,
  Mood,
  SessionReport,
} from "../types.js";
import { Incoming } from "./incoming.js";
import { Intake } from "./intake.js";
import { sessionToken, settleFormat, type Settings } from "./sdk.js";
import { Voice } from "./voice.js";

const LEGAL: Record<ConnectionState, string> = {
  disconnected: "start(), close()",
  connecting: "close(), and waiting for onConnectionState",
  connected: "send(), interrupt(), close()",
  failed: "start(), send() without motion, interrupt(), close()",
};

/** What a view gives its controller. */
export interface ControllerParts {
  readonly settings: Settings;
  readonly avatarId: string;
  readonly audioFormat: Required<AudioFormat>;
  readonly clock: Clock;
  readonly seed: number;
  readonly openSocket: OpenSocket;
  /** Plays from the start; `needsUnlock` says that it only stands in until audio is unlocked. */
  readonly speaker: Speaker;
  readonly needsUnlock: boolean;
}

type Attempt = ReturnType<typeof Link.open>;

/**
 * Speaks through one view, which makes it: `view.controller`. While the connection is `failed`, audio still
 * plays, without motion. Every callback may be set at any time.
 */
export class AvatarController {
  /** Called with the new state on every change. */
  onConnectionState: ((state: ConnectionState) => void) | null = null;
  /** Called with the new state when its visual transition begins. */
  onConversationState: ((state: ConversationState) => void) | null = null;
  /** Called with every error that no call of the app reports, and with the reason why `start` failed. */
  onError: ((reason: AvatarError) => void) | null = null;
  /** Called when the face goes over to speech (`mono`) or back to idle motion (`idle`). */
  onAnimationState: ((state: "idle" | "mono") => void) | null = null;
  /** Called in `strictSync` when the sound stops for lack of motion (true) and goes on (false). */
  onPlaybackStall: ((stalled: boolean) => void) | null = null;
  /** Called with a conversation id when its first sound is heard. */
  onPlaybackStarted: ((id: string) => void) | null = null;
  /** Called with a conversation id and heard seconds, four times a second of sound. */
  onPlaybackProgress: ((id: string, position: number) => void) | null = null;
  /** Called once for each conversation id: heard seconds, and whether it was cut off. */
  onPlaybackFinished: ((id: string, position: number, interrupted: boolean) => void) | null = null;
  /** Called about twice a second while {@link frameRateMonitorEnabled}. */
  onFrameRateInfo: ((info: FrameRateInfo) => void) | null = null;
  /** Whether frame statistics are kept and told. Costs nothing while off. */
  frameRateMonitorEnabled = false;

  /** @internal */ readonly player: Player;
  /** @internal */ readonly meter = new SessionMeter();

  private readonly parts: ControllerParts;
  private format: Required<AudioFormat>;
  private readonly voice: Voice;
  private connection: ConnectionState = "disconnected";
  private attempt: Attempt | null = null;
  private link: Link | null = null;
  private remoteId: string | null = null; // the newest round that the present link knows
  private readonly intake: Intake;
  private readonly incoming: Incoming;
  private failure: AvatarError | null = null;
  private readonly waiting = new Set<() => void>();
  private disposed = false;

  /** @internal Made by a view only. */
  constructor(parts: ControllerParts) {
    if (!parts?.settings) {
      throw error(ErrorCode.illegalState, "A controller cannot be made alone. Legal now: new AvatarView(...).controller.", {
        phase: "render",
      });
    }
    this.parts = parts;
    this.format = parts.audioFormat;
    this.player = new Player({
      clock: parts.clock,
      speaker: parts.speaker,
      sampleRate: this.format.sampleRate,
      seed: parts.seed,
      newId: () => newId(),
      onState: (state) => callBack(this.onConversationState, state),
      onStarted: (id) => callBack(this.onPlaybackStarted, id),
      onProgress: (id, position) => callBack(this.onPlaybackProgress, id, position),
      onFinished: (id, position, interrupted) => callBack(this.onPlaybackFinished, id, position, interrupted),
      onStall: (stalled) => callBack(this.onPlaybackStall, stalled),
      onStarved: () => this.meter.starvations++,
    });
    this.voice = new Voice({
      ...parts,
      audioWorkletUrl: parts.settings.configuration.audioWorkletUrl,
      onSpeaker: (speaker, sampleRate) => this.player.changeSpeaker(speaker, sampleRate),
      onTick: () => this.player.update(),
    });
    this.incoming = new Incoming({
      clock: parts.clock,
      player: this.player,
      meter: this.meter,
      tell: (reason) => this.tell(reason),
      onFatal: (reason) => {
        const { link } = this;
        this.ended(reason);
        link?.close();
      },
    });
    this.intake = new Intake({
      player: this.player,
      openRound: () => this.openRound(),
      uplink: (id, bytes, end) => {
        if (this.link && this.remoteId === id) this.link.sendAudio(id, bytes, end);
      },
      failed: (reason) => {
        this.tell(reason);
        this.interrupt();
      },
    });
  }

  // --- state -----------------------------------------------------------------------------------------

  /** State of the Direct Mode connection. */
  get connectionState(): ConnectionState {
    return this.connection;
  }

  /** Idle, playing or paused, as heard and seen. */
  get conversationState(): ConversationState {
    return this.player.state;
  }

  /** Id of the round that is fed or heard, or `null`. */
  get conversationId(): string | null {
    return this.player.roundId;
  }

  /** Whether sound can be heard: `initializeAudioContext` has succeeded. */
  get isAudioInitialized(): boolean {
    return this.voice.unlocked;
  }

  /** The node of Web Audio that the voice comes from, for recording or analysis; `null` before it is unlocked. */
  get audioOutput(): AudioNode | null {
    return this.voice.output;
  }

  /** Format of the audio that is taken in. */
  get audioFormat(): Required<AudioFormat> {
    return this.format;
  }

  /** Heard position in the present round, in seconds; 0 when there is none. */
  getAudioTime(): number {
    return this.player.audioTime;
  }

  /** Gain of the avatar's voice, 0..1. */
  getVolume(): number {
    return this.player.volume;
  }

  /** Throws `configurationInvalid` outside 0..1. */
  setVolume(volume: number): void {
    if (!(volume >= 0 && volume <= 1)) {
      throw error(ErrorCode.configurationInvalid, "The volume must be 0..1.", { phase: "interact" });
    }
    this.player.volume = volume;
  }

  /** What happens when motion is late. Default `audioIndependent`; `strictSync` holds from the next round on. */
  get frameStarvationMode(): FrameStarvationMode {
    return this.player.starvationMode;
  }

  set frameStarvationMode(mode: FrameStarvationMode) {
    this.player.starvationMode = mode;
  }

  /** Let the face live in another mood; it changes over within 1.5 seconds. Default `neutral`. */
  setMood(mood: Mood): void {
    this.requireAlive("setMood()");
    this.player.setMood(mood);
  }

  /** Attend to a place in the picture: x and y -1..1, left to right and bottom to top; (0, 0) is the viewer. */
  lookAt(x: number, y: number): void {
    this.requireAlive("lookAt()");
    if (Number.isFinite(x) && Number.isFinite(y)) this.player.lookAt(x, y);
  }

  /** What was measured since the view was made. */
  report(): SessionReport {
    return this.meter.report();
  }

  // --- audio -----------------------------------------------------------------------------------------

  /**
   * Unlock sound. Call it in a click, key or touch handler, in both modes; calls while one is under way join it.
   *
   * Rejects with `audioContextNotInitialized` outside a gesture, `playbackInitFailed` where there is no Web Audio.
   */
  initializeAudioContext(): Promise<void> {
    if (this.disposed) return Promise.reject(this.disposedError("initializeAudioContext()"));
    return this.voice.unlock(this.format.sampleRate);
  }

  /**
   * Change the format of the audio that is taken in; what is left out stays. An effective change interrupts and,
   * in Direct Mode, disconnects: start again. Throws `configurationInvalid`, changing nothing.
   */
  setAudioFormat(format: AudioFormat): void {
    this.requireAlive("setAudioFormat()");
    const wanted = settleFormat(format, this.format);
    if (wanted.sampleRate === this.format.sampleRate && wanted.inputAudioFormat === this.format.inputAudioFormat) return;
    this.close();
    const rateChanged = wanted.sampleRate !== this.format.sampleRate;
    this.format = wanted;
    if (rateChanged) this.voice.changeRate(wanted.sampleRate).catch((reason: unknown) => this.tell(reason as AvatarError));
  }

  // --- connection ------------------------------------------------------------------------------------

  /**
   * Open a session with the Motion Server; resolves once the server has confirmed it.
   *
   * Rejects, changing nothing, with `networkLayerNotAvailable` outside Direct Mode, `connectionInProgress` while
   * another `start` runs, `illegalState` when connected or disposed, `sessionTokenInvalid` without a token. Any
   * other error has also gone to `onError`, and the state is `failed`: the server's refusal, `websocketError`
   * when it cannot be reached, `sessionTimeout` after `Configuration.connectTimeoutS`;
   * `websocketClosedUnexpected` when `close` or `dispose` came meanwhile.
   */
  async start(): Promise<void> {
    this.requireMode("direct", "start()");
    if (this.connection === "connecting") throw error(ErrorCode.connectionInProgress, "start() is running already.");
    if (this.connection === "connected") throw this.illegal("start()");
    const attempt = Link.open(this.parts.openSocket, this.target(), this.format.sampleRate, this.format.inputAudioFormat);
    this.attempt = attempt;
    this.setConnection("connecting");
    const limit = this.parts.settings.connectTimeoutS;
    const cancelTimer = this.parts.clock.after(limit, () =>
      attempt.cancel(error(ErrorCode.sessionTimeout, `No session within ${limit} seconds.`)),
    );
    let link: Link;
    try {
      link = await attempt.ready;
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
    this.link = link;
    this.remoteId = null;
    this.incoming.reset();
    link.run({ onEvent: (event) => this.incoming.take(event), onEnd: (reason) => this.ended(reason) });
    this.setConnection("connected");
  }

  /**
   * Wait for the session, for those who do not await `start`. Rejects with why `start` failed, `sessionTimeout`
   * after `seconds`, `illegalState` when disconnected.
   */
  async waitConnected(seconds = 15): Promise<void> {
    if (this.connection === "connecting") {
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
    if (this.connection === "failed") throw this.failure!;
    if (this.connection === "disconnected") throw this.illegal("waitConnected()");
  }

  /** End the session and drop what is playing. Idempotent, legal at any moment. */
  close(): void {
    const { attempt, link } = this;
    this.attempt = this.link = this.remoteId = null;
    this.intake.drop();
    this.player.interrupt();
    this.setConnection("disconnected");
    attempt?.cancel(closedMeanwhile());
    link?.close();
  }

  // --- speaking --------------------------------------------------------------------------------------

  /**
   * Speak (Direct Mode). The first audio of a round opens it under a new id; `end` closes its input. Send as
   * fast as the audio is made. Audio behind an `end` opens the next round, which cuts off what still plays. No
   * data with `end` closes the open round; repeated, it changes nothing.
   *
   * @param data Mono audio in the view's format: whole 16-bit samples, or Opus.
   * @returns The round's id, or `null` when sound is not unlocked yet, which also goes to `onError`.
   *
   * Throws, taking nothing, `networkLayerNotAvailable` outside Direct Mode, `illegalState` unless connected or
   * failed, `invalidAudioInput` for unusable audio or more than ten minutes ahead, `noAudio` for no data when no
   * round is open.
   */
  send(data: Bytes, end = false): string | null {
    this.requireMode("direct", "send()");
    if (this.connection !== "connected" && this.connection !== "failed") throw this.illegal("send()");
    return this.feed(bytesOf(data), end);
  }

  /** Speak (Backend Mode): as {@link send}, but the motion comes through {@link yieldFramesData}. */
  yieldAudioData(data: Bytes, end = false): string | null {
    this.requireMode("backend", "yieldAudioData()");
    return this.feed(bytesOf(data), end);
  }

  /**
   * Hand in motion (Backend Mode): encoded messages of the Motion Server, whole and in any order. Motion of
   * another conversation is dropped silently; an empty list turns the round audio-only.
   *
   * @returns Whether the last motion of the round has arrived.
   */
  yieldFramesData(frames: readonly Bytes[], conversationId: string): boolean {
    this.requireMode("backend", "yieldFramesData()");
    if (conversationId !== this.player.roundId) return false;
    if (!frames.length) {
      this.player.refuseMotion(conversationId);
      return true;
    }
    let ended = false;
    for (const frame of frames) ended = this.incoming.takeEncoded(bytesOf(frame), conversationId) || ended;
    return ended;
  }

  /**
   * Fall silent at once and close the mouth; the round's buffers are dropped, here and on the server. Legal at
   * any moment; without a round it does nothing. The next audio opens a new round.
   */
  interrupt(): void {
    this.requireAlive("interrupt()");
    this.intake.drop();
    const cut = this.player.interrupt();
    if (cut !== null && cut === this.remoteId) this.link?.interrupt(cut);
  }

  /** Hold the round where it is; connection and buffers stay. Throws `illegalState` without a round. */
  pause(): void {
    this.requireAlive("pause()");
    if (!this.player.pause()) throw this.illegal("pause()", "it needs a round that plays");
  }

  /** Go on from where {@link pause} stopped. Rejects with `illegalState` without a round. */
  async resume(): Promise<void> {
    this.requireAlive("resume()");
    if (!this.player.resume()) throw this.illegal("resume()", "it needs a round that is paused");
  }

  // --- for the view ----------------------------------------------------------------------------------

  /** @internal */
  tell(reason: AvatarError): void {
    callBack(this.onError, reason);
  }

  /** @internal Close, and refuse everything from now on. */
  dispose(): void {
    if (this.disposed) return;
    this.close();
    this.disposed = true;
    this.onConnectionState = this.onConversationState = this.onError = null;
    this.onAnimationState = this.onPlaybackStall = this.onFrameRateInfo = null;
    this.onPlaybackStarted = this.onPlaybackProgress = this.onPlaybackFinished = null;
    this.voice.close();
  }

  // --- inside: audio ---------------------------------------------------------------------------------

  private feed(bytes: Uint8Array, end: boolean): string | null {
    if (!this.voice.unlocked) {
      this.tell(error(ErrorCode.audioContextNotInitialized, "Sound is not unlocked, so nothing can be played."));
      return null;
    }
    return this.intake.feed(bytes, end, this.format);
  }

  private openRound(): string {
    const cut = this.player.roundId;
    if (cut !== null && cut === this.remoteId) this.link?.interrupt(cut);
    const direct = (this.parts.settings.configuration.drivingServiceMode ?? "direct") === "direct";
    const id = this.player.openRound(direct ? this.link !== null : true);
    this.meter.rounds++;
    if (this.link) this.remoteId = id;
    if (this.link || !direct) this.meter.audioSent(id, this.parts.clock.now());
    return id;
  }

  // --- inside: the link ------------------------------------------------------------------------------

  /** The link is over, not by us. */
  private ended(reason: AvatarError | null): void {
    if (!this.link) return;
    this.link = this.remoteId = null;
    if (reason) this.fail(reason);
    else {
      this.player.loseConnection();
      this.setConnection("disconnected");
    }
  }

  private fail(reason: AvatarError): void {
    this.failure = reason;
    this.player.loseConnection();
    this.setConnection("failed");
    this.tell(reason);
  }

  // --- inside: small things --------------------------------------------------------------------------

  private target(): Target {
    const token = sessionToken();
    if (token === null) {
      throw error(ErrorCode.sessionTokenInvalid, "No session token is set.", {
        phase: "authenticate",
        hint: "Call AvatarSDK.setSessionToken() before start().",
      });
    }
    const { endpoint, appId } = this.parts.settings;
    return { endpoint, avatarId: this.parts.avatarId, appId, sessionToken: token };
  }

  private setConnection(state: ConnectionState): void {
    if (state === this.connection) return;
    this.connection = state;
    for (const done of this.waiting) done();
    callBack(this.onConnectionState, state);
  }

  private requireAlive(what: string): void {
    if (this.disposed) throw this.disposedError(what);
  }

  private disposedError(what: string): AvatarError {
    return error(
      ErrorCode.illegalState,
      `${what} is not legal: the view is disposed. Legal now: a new AvatarView.`,
      { phase: "interact" },
    );
  }

  private requireMode(mode: "direct" | "backend", what: string): void {
    this.requireAlive(what);
    if ((this.parts.settings.configuration.drivingServiceMode ?? "direct") === mode) return;
    const hint = mode === "direct" ? {} : { hint: "In Direct Mode use start() and send()." };
    const other = mode === "direct" ? "backend" : "direct";
    throw error(ErrorCode.networkLayerNotAvailable, `${what} is not available in ${other} mode.`, hint);
  }

  private illegal(what: string, why = `the connection is ${this.connection}`): AvatarError {
    return error(ErrorCode.illegalState, `${what} is not legal now: ${why}. Legal now: ${LEGAL[this.connection]}.`, {
      phase: "interact",
    });
  }
}

function closedMeanwhile(): AvatarError {
  return error(ErrorCode.websocketClosedUnexpected, "It was closed while it was connecting.");
}

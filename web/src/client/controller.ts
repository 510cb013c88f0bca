/** Stage 5: connecting to the Motion Server, speaking, and the state of both. */

import { bytesOf, type Bytes } from "../audio/pcm.js";
import type { Speaker } from "../audio/speaker.js";
import type { Clock } from "../clock.js";
import { error, ErrorCode, type AvatarError } from "../errors.js";
import { callBack } from "../log.js";
import { SessionMeter } from "../playback/meter.js";
import { Player } from "../playback/player.js";
import { newId } from "../protocol/ids.js";
import type { OpenSocket } from "../transport/socket.js";
import type {
  AnimationType,
  AudioFormat,
  ConnectionState,
  ConversationState,
  DrivingServiceMode,
  FrameRateInfo,
  FrameStarvationMode,
  Mood,
  SessionReport,
} from "../types.js";
import { Connection } from "./connection.js";
import { isSameFormat, settleFormat, wireFormat } from "./format.js";
import { Incoming } from "./incoming.js";
import { Intake } from "./intake.js";
import type { Settings } from "./sdk.js";
import { Voice } from "./voice.js";

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
  onAnimationState: ((state: AnimationType) => void) | null = null;
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
  /** @internal */ readonly meter: SessionMeter;

  private readonly parts: ControllerParts;
  private format: Required<AudioFormat>;
  private readonly voice: Voice;
  private readonly connection: Connection;
  private remoteId: string | null = null; // the newest round that the present link knows
  private readonly intake: Intake;
  private readonly incoming: Incoming;
  private disposed = false;

  /** @internal Made by a view only. */
  constructor(parts: ControllerParts) {
    if (!parts?.settings) {
      throw error(ErrorCode.illegalState, "A controller cannot be made alone. Legal now: new AvatarView(...).controller.", {
        phase: "render",
      });
    }
    this.parts = parts;
    const now = (): number => parts.clock.now();
    this.meter = new SessionMeter(now());
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
      onFinished: (id, position, interrupted) => {
        this.meter.roundEnded(interrupted);
        callBack(this.onPlaybackFinished, id, position, interrupted);
      },
      onStall: (stalled) => {
        this.meter.stalled.set(stalled, now());
        callBack(this.onPlaybackStall, stalled);
      },
      onStarved: (starved) => this.meter.starved.set(starved, now()),
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
      onFatal: (reason) => this.connection.giveUp(reason),
    });
    this.connection = new Connection({
      ...parts,
      wire: () => wireFormat(this.format),
      onState: (state) => callBack(this.onConnectionState, state),
      onOpen: () => {
        this.remoteId = null;
        this.incoming.reset();
      },
      onEvent: (event) => this.incoming.take(event),
      onFailure: (reason) => this.tell(reason),
      onLost: () => {
        this.remoteId = null;
        this.player.loseConnection();
      },
    });
    this.intake = new Intake({
      player: this.player,
      openRound: () => this.openRound(),
      uplinkBitrate: () => this.connection.link?.wire.bitrate ?? null,
      uplink: (id, bytes, end) => {
        if (this.remoteId !== id || !this.connection.link) return;
        this.meter.audioBytesSent += bytes.length;
        this.connection.link.sendAudio(id, bytes, end);
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
    return this.connection.state;
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
    if (isSameFormat(wanted, this.format)) return;
    this.close();
    const rateChanged = wanted.sampleRate !== this.format.sampleRate;
    this.format = wanted;
    if (rateChanged) this.voice.changeRate(wanted.sampleRate).catch((reason: unknown) => this.tell(reason as AvatarError));
  }

  // --- connection ------------------------------------------------------------------------------------

  /** Speak in another style from the next session on; see `Configuration.motionStyle`. Empty is none. */
  setMotionStyle(style: string): void {
    this.requireAlive("setMotionStyle()");
    this.connection.motionStyle = style;
  }

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
    await this.connection.start();
  }

  /**
   * Wait for the session, for those who do not await `start`. Rejects with why `start` failed, `sessionTimeout`
   * after `seconds`, `illegalState` when disconnected.
   */
  waitConnected(seconds = 15): Promise<void> {
    return this.connection.wait(seconds);
  }

  /** End the session and drop what is playing. Idempotent, legal at any moment. */
  close(): void {
    this.remoteId = null;
    this.intake.drop();
    this.player.interrupt();
    this.connection.close();
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
    if (!["connected", "failed"].includes(this.connection.state)) throw this.connection.illegal("send()");
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
    if (cut !== null && cut === this.remoteId) this.connection.link?.interrupt(cut);
  }

  /** Hold the round where it is; connection and buffers stay. Throws `illegalState` without a round. */
  pause(): void {
    this.requireAlive("pause()");
    if (!this.player.pause()) throw this.connection.illegal("pause()", "it needs a round that plays");
  }

  /** Go on from where {@link pause} stopped. Rejects with `illegalState` without a round. */
  async resume(): Promise<void> {
    this.requireAlive("resume()");
    if (!this.player.resume()) throw this.connection.illegal("resume()", "it needs a round that is paused");
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

  // --- inside ---------------------------------------------------------------------------------

  private feed(bytes: Uint8Array, end: boolean): string | null {
    if (!this.voice.unlocked) {
      this.tell(error(ErrorCode.audioContextNotInitialized, "Sound is not unlocked, so nothing can be played."));
      return null;
    }
    return this.intake.feed(bytes, end, this.format);
  }

  private openRound(): string {
    const cut = this.player.roundId;
    if (cut !== null && cut === this.remoteId) this.connection.link?.interrupt(cut);
    const { link } = this.connection;
    const direct = this.mode === "direct";
    const id = this.player.openRound(direct ? link !== null : true);
    this.meter.rounds++;
    if (link) this.remoteId = id;
    if (link || !direct) this.meter.audioSent(id, this.parts.clock.now());
    return id;
  }

  // --- inside: small things --------------------------------------------------------------------------

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

  private get mode(): DrivingServiceMode {
    return this.parts.settings.configuration.drivingServiceMode ?? "direct";
  }

  private requireMode(mode: "direct" | "backend", what: string): void {
    this.requireAlive(what);
    if (this.mode === mode) return;
    const hint = mode === "direct" ? {} : { hint: "In Direct Mode use start() and send()." };
    throw error(ErrorCode.networkLayerNotAvailable, `${what} is not available in ${this.mode} mode.`, hint);
  }
}

/**
 * The player: rounds in, a pose out. It owns the audio clock and says what the avatar is doing.
 *
 * Audio is the master. It is never moved to fit motion; motion is sampled at the position that has been *heard*.
 * Before the first sample a round waits for its first motion, at most {@link FIRST_MOTION_WAIT_S}, so that the
 * lips are right from the first sound on. In `strictSync` the speaker is given no more audio than there is motion
 * for.
 */

import type { Speaker } from "../audio/speaker.js";
import type { Clock } from "../clock.js";
import { HEAD_COUNT, WEIGHT_COUNT, type MotionFrames, type Pose } from "../frames.js";
import type { ConversationState, FrameStarvationMode, Mood } from "../types.js";
import { Life } from "./life.js";
import { Round, type Shown } from "./round.js";
import { INTERRUPTED, OUT_OF_SPEECH, SpeechLayer, type Fade } from "./transitions.js";

export { FIRST_MOTION_WAIT_S, MAX_QUEUED_S } from "./round.js";

/** Seconds of heard audio between two tellings of progress. */
export const PROGRESS_S = 0.25;

/** What to draw, and what is needed to tell whether it may still be shown. */
export interface Frame {
  readonly pose: Pose;
  /** {@link Player.generation} when it was made: a frame of an older generation must not be shown. */
  readonly generation: number;
  /** Audio position of its motion in seconds, or `null` when the avatar does not speak. */
  readonly position: number | null;
}

/** What a player is made of. Callbacks come at the end of the method that caused them. */
export interface PlayerParts {
  readonly clock: Clock;
  readonly speaker: Speaker;
  /** Hertz of the samples that will come. */
  readonly sampleRate: number;
  /** Of idle motion. */
  readonly seed: number;
  /** Makes a round id, never the same twice. */
  readonly newId: () => string;
  /** Called on every change of the conversation state, when its transition begins. */
  readonly onState: (state: ConversationState) => void;
  /** Called with a round's id when its first sound was heard. */
  readonly onStarted?: (id: string) => void;
  /** Called with a round's id and heard seconds, every {@link PROGRESS_S} of them. */
  readonly onProgress?: (id: string, position: number) => void;
  /** Called once for each round: its id, heard seconds, and whether it was cut off. */
  readonly onFinished?: (id: string, position: number, interrupted: boolean) => void;
  /** Called with true when a strict round halts for want of motion, with false when it goes on. */
  readonly onStall?: (stalled: boolean) => void;
  /** Called with true when speech has to go on without its motion, with false when that is over. */
  readonly onStarved?: (starved: boolean) => void;
}

/** Playback of one avatar. Nothing happens but in its methods; call {@link update} often. */
export class Player {
  private readonly clock: Clock;
  private speaker: Speaker;
  private rate: number;
  private readonly life: Life;
  private readonly layer = new SpeechLayer();
  private readonly bornAt: number;
  private round: Round | null = null;
  private newestId: string | null = null;
  private conversation: ConversationState = "idle";
  private mode: FrameStarvationMode = "audioIndependent";
  private paused = false;
  private gain = 1;
  private now: number;
  private heard = 0;
  private cuts = 0;
  private news: (() => void)[] = [];
  private telling = false;

  constructor(private readonly parts: PlayerParts) {
    this.clock = parts.clock;
    this.speaker = parts.speaker;
    this.rate = parts.sampleRate;
    this.life = new Life(parts.seed);
    this.now = this.bornAt = this.clock.now();
  }

  // --- what it is doing ------------------------------------------------------------------------------

  /** Idle, playing or paused. */
  get state(): ConversationState {
    return this.conversation;
  }

  /** Rises whenever a round is cut off; frames made before are void then. */
  get generation(): number {
    return this.cuts;
  }

  /** Id of the round that is fed, held or heard. */
  get roundId(): string | null {
    return this.round?.id ?? null;
  }

  /** Whether the next audio continues the round. */
  get inputOpen(): boolean {
    return this.round !== null && !this.round.inputEnded;
  }

  /** Id of the newest round, over or not. */
  get lastId(): string | null {
    return this.newestId;
  }

  /** Seconds of audio that were not heard yet. */
  get queued(): number {
    return this.round ? this.round.samples / this.rate - this.audioTime : 0;
  }

  /** Heard position in the round, in seconds; 0 without one. */
  get audioTime(): number {
    return this.readHeard() / this.rate;
  }

  /** Gain 0..1. */
  get volume(): number {
    return this.gain;
  }

  set volume(volume: number) {
    this.gain = volume;
    this.speaker.setVolume(volume);
  }

  /** What late motion does. `strictSync` holds from the next round on, `audioIndependent` at once. */
  get starvationMode(): FrameStarvationMode {
    return this.mode;
  }

  set starvationMode(mode: FrameStarvationMode) {
    this.begin();
    this.mode = mode;
    if (this.round && mode === "audioIndependent") {
      this.round.strict = false;
      this.advance();
    }
    this.tell();
  }

  // --- rounds in -------------------------------------------------------------------------------------

  /** Use another speaker, and rate, from now on. What plays is cut off first. */
  changeSpeaker(speaker: Speaker, sampleRate: number): void {
    this.interrupt();
    this.speaker = speaker;
    this.rate = sampleRate;
    speaker.setVolume(this.gain);
  }

  /** Begin a round under a new id. Whatever still plays is cut off, which the next call tells. */
  openRound(expectsMotion: boolean): string {
    const id = this.parts.newId();
    this.begin();
    this.cut();
    this.round = new Round(id, this.now, this.rate, expectsMotion, this.mode === "strictSync");
    this.newestId = id;
    return id;
  }

  /** Take samples of the open round; `end` closes its input. A round must be open for input. */
  pushAudio(samples: Int16Array, end: boolean): void {
    const current = this.round;
    if (!current || current.inputEnded) throw new Error("no round is open for input");
    this.begin();
    current.samples += samples.length;
    current.inputEnded = end;
    if (samples.length) {
      current.held.push(samples);
      current.pauses.push(samples);
    }
    this.advance();
    this.tell();
  }

  /** Take motion and return how many frames were of use: none when they are of another round. May throw `RangeError`. */
  pushMotion(roundId: string, frames: MotionFrames): number {
    const current = this.round;
    if (!current || roundId !== current.id || current.refusesMotion) return 0;
    this.begin();
    const added = current.addMotion(frames);
    this.advance();
    this.tell();
    return added;
  }

  /** No more motion will come for a round. */
  endMotion(roundId: string): void {
    if (this.round?.id !== roundId) return;
    this.begin();
    this.round.motionEnded = true;
    this.advance();
    this.tell();
  }

  /** A round goes on as sound alone, whatever motion still comes for it. */
  refuseMotion(roundId: string): void {
    if (this.round?.id !== roundId) return;
    this.begin();
    this.round.refusesMotion = this.round.motionEnded = true;
    this.round.timeline = null;
    this.advance();
    this.tell();
  }

  /** No more motion will come at all; an open round is over when what it has was heard. */
  loseConnection(): void {
    if (!this.round) return;
    this.begin();
    this.round.expectsMotion = false;
    this.round.inputLost = true;
    this.advance();
    this.tell();
  }

  // --- control ---------------------------------------------------------------------------------------

  /** Fall silent and let the face ease to rest; returns the id of the round that was cut off. */
  interrupt(): string | null {
    this.begin();
    const cut = this.cut();
    this.setState("idle");
    this.tell();
    return cut;
  }

  /** Hold the round: silence at once, buffers kept, the face eases to rest. False without a round. */
  pause(): boolean {
    if (!this.round) return false;
    if (!this.paused) {
      this.begin();
      this.paused = true;
      this.speaker.pause();
      this.leave(OUT_OF_SPEECH);
      this.setState("paused");
      this.tell();
    }
    return true;
  }

  /** Go on from the same position. False without a round. */
  resume(): boolean {
    if (!this.round) return false;
    if (this.paused) {
      this.begin();
      this.paused = false;
      this.speaker.resume();
      this.round.moved = { heard: this.heard, at: this.now };
      this.setState("playing");
      this.advance();
      this.tell();
    }
    return true;
  }

  /** Let the face live in another mood; it changes over within 1.5 s. */
  setMood(mood: Mood): void {
    this.begin();
    this.life.setMood(this.lifeTime(this.now), mood);
  }

  /** Attend to a place in the picture: x and y -1..1, left to right and bottom to top; (0, 0) is the viewer. */
  lookAt(x: number, y: number): void {
    this.begin();
    this.life.lookAt(this.lifeTime(this.now), x, y);
  }

  // --- time ------------------------------------------------------------------------------------------

  /** Let time have its effects: start what was held, watch the motion, end what is over. */
  update(): void {
    if (!this.round && !this.news.length) return;
    this.begin();
    this.advance();
    this.tell();
  }

  /** The face for the clock time `at`, which may lie a little ahead; times never go back. */
  frame(at: number): Frame {
    this.begin();
    this.advance();
    let shown: Shown = { target: null, position: null };
    if (this.round && !this.paused) shown = this.round.motion(at, this.now, this.heard);
    if (shown.target === null) this.leave(OUT_OF_SPEECH);
    else if (!this.layer.isSpeaking) {
      this.layer.enter(this.now);
      this.life.speak(this.lifeTime(this.now), true);
    }
    const { pose: speech, share } = this.layer.show(shown.target, at);
    const pose = this.life.pose(this.lifeTime(at), share, speech.head);
    for (let i = 0; i < WEIGHT_COUNT; i++) {
      pose.weights[i] = Math.min(Math.max(pose.weights[i]!, speech.weights[i]!, 0), 1);
    }
    for (let i = 0; i < HEAD_COUNT; i++) pose.head[i]! += speech.head[i]!;
    const frame = { pose, generation: this.cuts, position: shown.position };
    this.tell();
    return frame;
  }

  // --- inside ----------------------------------------------------------------------------------------

  /** Take the readings that the whole call goes by. */
  private begin(): void {
    this.now = Math.max(this.now, this.clock.now());
    this.heard = this.readHeard();
  }

  /** Call back, in order. What a callback does here is told behind what waits already. */
  private tell(): void {
    if (this.telling) return;
    this.telling = true;
    try {
      for (let news = this.news.shift(); news; news = this.news.shift()) news();
    } finally {
      this.telling = false;
    }
  }

  private advance(): void {
    const current = this.round;
    if (!current || this.paused) return;
    if (!current.started && current.mayStart(this.now)) this.start(current);
    if (!current.started) return;
    this.feed(current);
    if (this.heard > current.moved.heard) current.moved = { heard: this.heard, at: this.now };
    this.tellPosition(current);
    if (current.pauses.take(this.heard)) this.life.pause(this.lifeTime(this.now));
    current.timeline?.forgetBefore(this.heard / this.rate - 1);
    const starved = current.lacksMotion(this.heard);
    this.setStarved(current, starved);
    const over = current.inputEnded || current.inputLost;
    if (over && !current.held.length && current.written <= Math.floor(this.heard)) this.finish(current);
  }

  private start(current: Round): void {
    current.started = true;
    current.moved = { heard: 0, at: this.now };
    if (current.samples) this.setState("playing");
  }

  /** Hand held audio to the speaker: all of it, or in a strict round as much as there is motion for. */
  private feed(current: Round): void {
    let room = current.room(this.heard);
    let wrote = false;
    while (current.held.length && room > 0) {
      let samples = current.held.shift()!;
      if (samples.length > room) {
        current.held.unshift(samples.subarray(room));
        samples = samples.subarray(0, room);
      }
      this.speaker.write(samples);
      current.written += samples.length;
      room -= samples.length;
      wrote = true;
    }
    const ranDry = current.held.length > 0 && current.written <= Math.floor(this.heard);
    if (current.stalled && wrote) this.endStall(current);
    else if (ranDry && !current.stalled) {
      current.stalled = true;
      this.news.push(() => this.parts.onStall?.(true));
    }
  }

  private setStarved(current: Round, starved: boolean): void {
    if (starved === current.starved) return;
    current.starved = starved;
    this.parts.onStarved?.(starved);
  }

  private endStall(current: Round): void {
    current.stalled = false;
    this.news.push(() => this.parts.onStall?.(false));
  }

  private tellPosition(current: Round): void {
    const position = this.heard / this.rate;
    if (position > 0 && !current.wasHeard) {
      current.wasHeard = true;
      this.news.push(() => this.parts.onStarted?.(current.id));
    }
    if (position >= current.told + PROGRESS_S) {
      current.told = position;
      this.news.push(() => this.parts.onProgress?.(current.id, position));
    }
  }

  /** Stop the round, if there is one: speaker empty, its frames void, the mouth closing. */
  private cut(): string | null {
    const cut = this.round;
    if (!cut) return null;
    this.cuts++;
    this.layer.takeBack(this.now);
    this.endRound(cut, true);
    if (this.paused) {
      this.paused = false;
      this.speaker.resume();
    }
    this.leave(INTERRUPTED);
    return cut.id;
  }

  private finish(current: Round): void {
    this.endRound(current, false);
    this.leave(OUT_OF_SPEECH);
    this.setState("idle");
  }

  private endRound(current: Round, interrupted: boolean): void {
    this.tellPosition(current);
    if (current.stalled) this.endStall(current);
    this.setStarved(current, false);
    const position = this.heard / this.rate;
    this.news.push(() => this.parts.onFinished?.(current.id, position, interrupted));
    this.round = null;
    this.speaker.flush();
    this.heard = 0;
  }

  private leave(fade: Fade): void {
    if (this.layer.isSpeaking) this.life.speak(this.lifeTime(this.now), false);
    this.layer.leave(this.now, fade);
  }

  private lifeTime(time: number): number {
    return Math.max(0, time - this.bornAt);
  }

  private readHeard(): number {
    return this.round?.started ? this.speaker.heardSamples() : 0;
  }

  private setState(state: ConversationState): void {
    if (state === this.conversation) return;
    this.conversation = state;
    this.news.push(() => this.parts.onState(state));
  }
}

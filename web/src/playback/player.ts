/**
 * The player: rounds in, a pose out. It owns the audio clock and says what the avatar is doing.
 *
 * Audio is the master. It is never moved to fit motion; motion is sampled at the position that has been
 * *heard*. Before the first sample a round's audio is held until its first motion is here, at most
 * {@link FIRST_MOTION_WAIT_S}, so that the lips are right from the first sound on. Only `strictSync` also holds
 * it later.
 */

import type { Speaker } from "../audio/speaker.js";
import type { Clock } from "../clock.js";
import { HEAD_COUNT, WEIGHT_COUNT, type MotionFrames, type Pose } from "../frames.js";
import type { ConversationState, FrameStarvationMode } from "../types.js";
import { Life } from "./life.js";
import { Round } from "./round.js";
import { INTERRUPTED, OUT_OF_SPEECH, SpeechLayer } from "./transitions.js";

/** Seconds after a round's first audio; then it plays without motion, which joins in when it comes. */
export const FIRST_MOTION_WAIT_S = 0.4;
/** Frames that must be here before audio begins: a cushion of 120 ms against jitter of the network. */
export const FIRST_MOTION_FRAMES = 3;
/** Seconds of audio that may wait unheard. */
export const MAX_QUEUED_S = 600;

const GAP_HOLD_S = 0.08; // a shorter gap in the motion holds the last frame instead of easing to rest
const DRY_S = 0.2; // a speaker that stood still for longer has run dry
const STALL_AHEAD_S = 0.04; // strictSync stops the sound when less motion than this lies ahead
const RESUME_AHEAD_S = 0.12;

/** What to draw, and what is needed to tell whether it may still be shown. */
export interface Frame {
  readonly pose: Pose;
  /** {@link Player.generation} when it was made: a frame of an older generation must not be shown. */
  readonly generation: number;
  /** Audio position of its motion in seconds, or `null` when the avatar does not speak. */
  readonly position: number | null;
}

/** What a player is made of. */
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
  /** Called when `strictSync` stops the sound (true) and lets it go on (false). */
  readonly onStall?: (stalled: boolean) => void;
  /** Called when speech has to go on without motion. */
  readonly onStarved?: () => void;
}

/** Playback of one avatar. Nothing happens but in its methods; call {@link update} often. */
export class Player {
  starvationMode: FrameStarvationMode = "audioIndependent";
  private readonly clock: Clock;
  private speaker: Speaker;
  private rate: number;
  private readonly life: Life;
  private readonly layer = new SpeechLayer();
  private readonly bornAt: number;
  private round: Round | null = null;
  private newestId: string | null = null;
  private now: ConversationState = "idle";
  private paused = false;
  private stalled = false;
  private starved = false;
  private gain = 1;
  private moved: { heard: number; at: number };
  private lastMotion: { pose: Pose; at: number } | null = null;
  private cuts = 0;

  constructor(private readonly parts: PlayerParts) {
    this.clock = parts.clock;
    this.speaker = parts.speaker;
    this.rate = parts.sampleRate;
    this.life = new Life(parts.seed);
    this.bornAt = this.clock.now();
    this.moved = { heard: 0, at: this.bornAt };
  }

  // --- what it is doing ------------------------------------------------------------------------------

  /** Idle, playing or paused. */
  get state(): ConversationState {
    return this.now;
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
    if (!this.round) return 0;
    return (this.round.started ? this.speaker.queuedSamples() : this.round.samples) / this.rate;
  }

  /** Heard position in the round, in seconds; 0 without one. */
  get audioTime(): number {
    return this.heardSamples() / this.rate;
  }

  /** Gain 0..1. */
  get volume(): number {
    return this.gain;
  }

  set volume(volume: number) {
    this.gain = volume;
    this.speaker.setVolume(volume);
  }

  // --- rounds in -------------------------------------------------------------------------------------

  /** Use another speaker, and rate, from now on. What plays is cut off first. */
  changeSpeaker(speaker: Speaker, sampleRate: number): void {
    this.interrupt();
    this.speaker = speaker;
    this.rate = sampleRate;
    speaker.setVolume(this.gain);
  }

  /** Begin a round under a new id. Whatever still plays is cut off. */
  openRound(expectsMotion: boolean): string {
    this.cut();
    this.round = new Round(this.parts.newId(), this.clock.now(), expectsMotion);
    this.newestId = this.round.id;
    return this.round.id;
  }

  /** Take samples of the open round; `end` closes its input. A round must be open for input. */
  pushAudio(samples: Int16Array, end: boolean): void {
    const current = this.round;
    if (!current || current.inputEnded) throw new Error("no round is open for input");
    current.samples += samples.length;
    current.inputEnded = end;
    if (samples.length) {
      if (current.started) this.speaker.write(samples);
      else current.held.push(samples);
    }
    this.update();
  }

  /** Take motion; false, and nothing else, when it is of any but the present round. May throw `RangeError`. */
  pushMotion(roundId: string, frames: MotionFrames): boolean {
    if (roundId !== this.roundId) return false;
    this.round!.addMotion(frames);
    this.update();
    return true;
  }

  /** No more motion will come for a round. */
  endMotion(roundId: string): void {
    if (roundId === this.roundId) {
      this.round!.motionEnded = true;
      this.update();
    }
  }

  /** No more motion will come at all; an open round is over when what it has was heard. */
  loseConnection(): void {
    if (this.round) {
      this.round.expectsMotion = false;
      this.round.inputLost = true;
      this.update();
    }
  }

  // --- control ---------------------------------------------------------------------------------------

  /** Fall silent and let the face ease to rest; returns the id of the round that was cut off. */
  interrupt(): string | null {
    const cut = this.cut();
    this.setState("idle");
    return cut;
  }

  /** Hold the round: silence at once, buffers kept, the face eases to rest. False without a round. */
  pause(): boolean {
    if (!this.round) return false;
    if (!this.paused) {
      this.paused = true;
      this.speaker.pause();
      this.layer.leave(this.clock.now());
      this.setState("paused");
    }
    return true;
  }

  /** Go on from the same position. False without a round. */
  resume(): boolean {
    if (!this.round) return false;
    if (this.paused) {
      this.paused = false;
      if (!this.stalled) this.speaker.resume();
      this.moved = { heard: this.heardSamples(), at: this.clock.now() };
      this.setState("playing");
      this.update();
    }
    return true;
  }

  // --- time ------------------------------------------------------------------------------------------

  /** Let time have its effects: start what was held, watch the motion, end what is over. */
  update(): void {
    const current = this.round;
    if (!current || this.paused) return;
    const now = this.clock.now();
    if (!current.started && this.mayStart(current, now)) this.start(current, now);
    if (!current.started || this.round !== current) return; // who was told of the start may have cut it off
    const heard = this.heardSamples();
    if (heard > this.moved.heard) this.moved = { heard, at: now };
    current.timeline?.forgetBefore(heard / this.rate - 1);
    this.watchMotion(current, heard / this.rate);
    if (this.round !== current) return;
    if ((current.inputEnded || current.inputLost) && this.speaker.queuedSamples() === 0) this.finish(now);
  }

  /** The face for the clock time `at`, which may lie a little ahead; times never go back. */
  frame(at: number): Frame {
    this.update();
    const now = this.clock.now();
    const { target, position } = this.motion(at, now);
    if (target === null) this.layer.leave(now, OUT_OF_SPEECH);
    else this.layer.enter(now);
    const { pose: speech, share } = this.layer.show(target, at);
    const life = this.life.pose(Math.max(0, at - this.bornAt), share);
    for (let i = 0; i < WEIGHT_COUNT; i++) {
      life.weights[i] = Math.min(Math.max(life.weights[i]!, speech.weights[i]!, 0), 1);
    }
    for (let i = 0; i < HEAD_COUNT; i++) life.head[i]! += speech.head[i]!;
    return { pose: life, generation: this.cuts, position };
  }

  // --- inside ----------------------------------------------------------------------------------------

  private mayStart(current: Round, now: number): boolean {
    if (!current.expectsMotion || current.hasMotionUntil(FIRST_MOTION_FRAMES)) return true;
    return this.starvationMode === "audioIndependent" && now >= current.openedAt + FIRST_MOTION_WAIT_S;
  }

  private start(current: Round, now: number): void {
    current.started = true;
    this.starved = false;
    for (const samples of current.held) this.speaker.write(samples);
    current.held = [];
    this.moved = { heard: 0, at: now };
    if (current.samples) this.setState("playing");
  }

  private watchMotion(current: Round, position: number): void {
    const ahead = current.motionAhead(position);
    // What lies behind the last sample needs no motion.
    const needed = Math.min(this.speaker.queuedSamples() / this.rate, STALL_AHEAD_S);
    if (ahead >= needed) this.starved = false;
    else if (!this.starved) {
      this.starved = true;
      this.parts.onStarved?.();
    }
    if (this.starvationMode === "strictSync" && !this.stalled && ahead < needed) {
      this.stalled = true;
      this.speaker.pause();
      this.parts.onStall?.(true);
    } else if (this.stalled && (ahead >= Math.min(RESUME_AHEAD_S, this.queued) || this.starvationMode !== "strictSync")) {
      this.endStall();
    }
  }

  private endStall(): void {
    if (!this.stalled) return;
    this.stalled = false;
    if (!this.paused) this.speaker.resume();
    this.moved = { heard: this.heardSamples(), at: this.clock.now() };
    this.parts.onStall?.(false);
  }

  /** Stop the round, if there is one: speaker empty, its frames void, the mouth closing. */
  private cut(): string | null {
    const cut = this.round;
    if (!cut) return null;
    this.cuts++;
    this.clear();
    this.layer.takeBack(this.clock.now());
    this.layer.leave(this.clock.now(), INTERRUPTED);
    return cut.id;
  }

  private finish(now: number): void {
    this.clear();
    this.layer.leave(now, OUT_OF_SPEECH);
    this.setState("idle");
  }

  private clear(): void {
    this.round = null;
    this.lastMotion = null;
    this.speaker.flush();
    if (this.paused) {
      this.paused = false;
      if (!this.stalled) this.speaker.resume();
    }
    this.endStall();
  }

  private motion(at: number, now: number): { target: Pose | null; position: number | null } {
    const none = { target: null, position: null };
    const current = this.round;
    if (!current?.started || this.paused || !current.timeline) return none;
    const heard = this.heardSamples();
    const ranDry = this.speaker.queuedSamples() === 0 && now - this.moved.at > DRY_S;
    if (ranDry) return none;
    const ahead = this.stalled ? 0 : at - now;
    const position = Math.min(Math.max(heard / this.rate + ahead, 0), current.samples / this.rate);
    const pose = current.timeline.sample(position);
    if (pose) {
      this.lastMotion = { pose, at };
      return { target: pose, position };
    }
    if (this.lastMotion && at - this.lastMotion.at <= GAP_HOLD_S) {
      return { target: this.lastMotion.pose, position: null };
    }
    return none;
  }

  private heardSamples(): number {
    return this.round?.started ? this.speaker.heardSamples() : 0;
  }

  private setState(state: ConversationState): void {
    if (state !== this.now) {
      this.now = state;
      this.parts.onState(state);
    }
  }
}

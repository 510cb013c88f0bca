/** What the app feeds in, checked, on its way to player and server: PCM as it is, Opus decoded here. */

import { containerOf } from "../audio/containers.js";
import { OpusUplink } from "../audio/opus-encoder.js";
import { OpusInput } from "../audio/opus-input.js";
import { samplesOf } from "../audio/pcm.js";
import { AvatarError, error, ErrorCode } from "../errors.js";
import { MAX_QUEUED_S, type Player } from "../playback/player.js";
import type { AudioFormat } from "../types.js";

/** What the intake asks of its controller. */
export interface IntakeOwner {
  readonly player: Player;
  /** Open a round, which cuts off what plays; returns its id. */
  openRound(): string;
  /** Bit rate of the Opus that PCM is to be sent as, or `null`: as it is. */
  uplinkBitrate(): number | null;
  /** Pass bytes of a round on to the server, if it knows the round. */
  uplink(id: string, bytes: Uint8Array, end: boolean): void;
  /** A round's audio turned out to be unusable. */
  failed(reason: AvatarError): void;
}

/** Takes audio calls in order. */
export class Intake {
  private opus: { input: OpusInput; id: string; ended: boolean } | null = null;
  private encoder: OpusUplink | null = null;

  constructor(private readonly owner: IntakeOwner) {}

  /** Take a call; returns the round's id. Throws `invalidAudioInput` or `noAudio`, taking nothing. */
  feed(bytes: Uint8Array, end: boolean, format: Required<AudioFormat>): string {
    return format.inputAudioFormat === "opus" ? this.feedOpus(bytes, end) : this.feedPcm(bytes, end, format.sampleRate);
  }

  /** Forget what is still being decoded or encoded. */
  drop(): void {
    this.opus?.input.close();
    this.encoder?.close();
    this.opus = this.encoder = null;
  }

  private feedPcm(bytes: Uint8Array, end: boolean, sampleRate: number): string {
    const { player } = this.owner;
    const container = player.inputOpen ? null : containerOf(bytes);
    if (container) {
      throw error(ErrorCode.invalidAudioInput, `This is the start of a ${container} file, not samples.`, {
        hint: "Decode it first: decodeAudioFile() does that.",
      });
    }
    const samples = samplesOf(bytes);
    this.checkAhead(samples.length / sampleRate);
    if (!player.inputOpen) {
      if (!samples.length) return this.nothingToSend(end);
      this.drop();
      this.owner.openRound();
      this.encoder = this.openEncoder(player.roundId!, sampleRate);
    }
    const id = player.roundId!;
    if (this.encoder) this.encoder.push(samples, end);
    else this.owner.uplink(id, bytes, end);
    player.pushAudio(samples, end);
    return id;
  }

  private openEncoder(id: string, sampleRate: number): OpusUplink | null {
    const bitrate = this.owner.uplinkBitrate();
    if (bitrate === null) return null;
    const failed = (cause: Error): void =>
      this.owner.failed(error(ErrorCode.serverError, "The audio could not be encoded for the server.", { cause, hint: "Switch opusUplinkEnabled off." }));
    return new OpusUplink(sampleRate, bitrate, (bytes, end) => this.owner.uplink(id, bytes, end), failed);
  }

  private feedOpus(bytes: Uint8Array, end: boolean): string {
    const { opus } = this;
    if (opus && !opus.ended && opus.id === this.owner.player.roundId) {
      this.checkAhead(0);
      this.owner.uplink(opus.id, opus.input.push(bytes, end), end);
      opus.ended = end;
      return opus.id;
    }
    if (!bytes.length) return this.nothingToSend(end);
    const { player } = this.owner;
    const input: OpusInput = new OpusInput(
      (samples, last) => {
        // A lost connection may have ended the round early.
        if (this.opus?.input === input && player.inputOpen) player.pushAudio(samples, last);
      },
      (reason) => {
        const told = reason instanceof AvatarError ? reason : error(ErrorCode.invalidAudioInput, String(reason));
        if (this.opus?.input === input) this.owner.failed(told);
      },
    );
    const upstream = input.push(bytes, end); // may refuse, before anything has changed
    this.drop();
    const id = this.owner.openRound();
    this.opus = { input, id, ended: end };
    this.owner.uplink(id, upstream, end);
    return id;
  }

  private nothingToSend(end: boolean): string {
    const { lastId } = this.owner.player;
    if (end && lastId !== null) return lastId;
    throw error(ErrorCode.noAudio, "There is no audio, and no round is open.");
  }

  private checkAhead(seconds: number): void {
    const { player } = this.owner;
    if (seconds + (player.inputOpen ? player.queued : 0) > MAX_QUEUED_S) {
      throw error(ErrorCode.invalidAudioInput, `More than ${MAX_QUEUED_S} seconds of audio would wait to be heard.`, {
        hint: "Send the rest when some of it was heard.",
      });
    }
  }
}

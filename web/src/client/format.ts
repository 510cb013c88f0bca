/** The format of the audio that an app feeds in, and how it goes upstream. */

import { canEncode } from "../audio/opus-encoder.js";
import { error, ErrorCode } from "../errors.js";
import { log } from "../log.js";
import type { WireFormat } from "../protocol/session.js";
import { SAMPLE_RATES_HZ, type AudioFormat } from "../types.js";

const OPUS_RATE_HZ = 48000;

/** What an app gets that says nothing. */
export const DEFAULT_FORMAT: Required<AudioFormat> = {
  channelCount: 1,
  sampleRate: 16000,
  inputAudioFormat: "pcm",
  opusUplinkEnabled: false,
  opusBitrate: 48000,
};

/** A format with every field, checked; throws `configurationInvalid`. */
export function settleFormat(given: AudioFormat, base: Required<AudioFormat>): Required<AudioFormat> {
  const told = Object.entries(given).filter(([key, value]) => key in base && value !== undefined && value !== null);
  const wanted: Required<AudioFormat> = { ...base, ...Object.fromEntries(told) };
  const { channelCount, inputAudioFormat, opusBitrate } = wanted;
  const opus = inputAudioFormat === "opus";
  if (channelCount !== 1) throw invalid("channelCount must be 1");
  if (!opus && inputAudioFormat !== "pcm") throw invalid("inputAudioFormat must be pcm or opus");
  if (opus && (given.sampleRate ?? OPUS_RATE_HZ) !== OPUS_RATE_HZ) {
    throw invalid(`Opus runs at ${OPUS_RATE_HZ} hertz; leave sampleRate out`);
  }
  const sampleRate = opus ? OPUS_RATE_HZ : wanted.sampleRate;
  if (!(SAMPLE_RATES_HZ as readonly number[]).includes(sampleRate)) {
    throw invalid(`sampleRate must be one of ${SAMPLE_RATES_HZ.join(", ")}`);
  }
  if (!(opusBitrate >= 6000 && opusBitrate <= 510_000)) throw invalid("opusBitrate must be 6000..510000");
  return { ...wanted, sampleRate };
}

/** Whether two settled formats are the same. */
export function isSameFormat(a: Required<AudioFormat>, b: Required<AudioFormat>): boolean {
  return (Object.keys(a) as (keyof AudioFormat)[]).every((key) => a[key] === b[key]);
}

/** How a format goes upstream here; a wish that cannot be met is logged. */
export async function wireFormat(format: Required<AudioFormat>): Promise<WireFormat> {
  const { sampleRate, inputAudioFormat, opusUplinkEnabled, opusBitrate } = format;
  if (inputAudioFormat === "opus") return { sampleRate, opus: true };
  if (opusUplinkEnabled) {
    if (await canEncode(sampleRate, opusBitrate)) return { sampleRate: OPUS_RATE_HZ, opus: true, bitrate: opusBitrate };
    log.warning(`no Opus uplink at ${sampleRate} hertz in this browser; PCM is sent`);
  }
  return { sampleRate, opus: false };
}

function invalid(what: string): Error {
  return error(ErrorCode.configurationInvalid, `${what}.`);
}

/** From what apps and files hold to mono 16-bit samples. */

import { error, ErrorCode } from "../errors.js";

/** Anything that holds bytes. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** The bytes, without a copy. Throws `invalidAudioInput` for anything else. */
export function bytesOf(data: Bytes): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw error(ErrorCode.invalidAudioInput, "Audio must be an ArrayBuffer or a typed array.");
}

/** Signed 16-bit little-endian bytes as samples. Throws `invalidAudioInput` for half a sample. */
export function samplesOf(bytes: Uint8Array): Int16Array {
  if (bytes.length % 2) {
    throw error(ErrorCode.invalidAudioInput, `${bytes.length} bytes are no whole number of 16-bit samples.`);
  }
  // A copy, since the app may go on using its own; browsers run on little-endian machines only.
  return new Int16Array(bytes.slice().buffer);
}

/** Float samples -1..1 as 16-bit samples. */
export function pcmFromFloats(floats: Float32Array): Int16Array {
  const samples = new Int16Array(floats.length);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.max(-32768, Math.min(32767, Math.round(floats[i]! * 32768)));
  return samples;
}

/**
 * An audio file (whatever the browser plays: WAV, MP3, AAC, Ogg ...) as mono samples at `sampleRate` hertz, ready
 * for `send`. Rejects with `invalidAudioInput` for what is no audio.
 */
export async function decodeAudioFile(file: Blob | ArrayBuffer, sampleRate: number): Promise<Int16Array> {
  const bytes = file instanceof ArrayBuffer ? file.slice(0) : await file.arrayBuffer();
  try {
    // Decoding resamples to the rate of the context.
    const decoded = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(bytes);
    const mono = new Float32Array(decoded.length);
    for (let channel = 0; channel < decoded.numberOfChannels; channel++) {
      decoded.getChannelData(channel).forEach((x, i) => (mono[i]! += x / decoded.numberOfChannels));
    }
    return pcmFromFloats(mono);
  } catch (cause) {
    throw error(ErrorCode.invalidAudioInput, "The file is no audio that this browser can decode.", { cause });
  }
}

/** Loudness of samples: root mean square, 0..1. */
export function loudness(samples: Int16Array): number {
  let sum = 0;
  for (const x of samples) sum += x * x;
  return samples.length ? Math.sqrt(sum / samples.length) / 32768 : 0;
}

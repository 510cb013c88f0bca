/** Where the voice comes from: each source gives pieces of speech, one after the other. */

import { decodeAudioFile } from "@avatarkit/web";
import helloUrl from "../../../assets/hello.wav?url";
import type { Access } from "./access.js";
import { pieces } from "./captions.js";
import { ask, post, type Voice } from "./server.js";

/** Hertz of everything that the page sends. */
export const RATE = 24000;
const LONGEST_S = 600;
const MAX_FILE_BYTES = 200 * 1024 * 1024;

/** A piece of speech, with what it says. */
export interface Speech {
  readonly samples: Int16Array;
  readonly captions: readonly { readonly share: number; readonly text: string }[];
}

export type Source = () => AsyncIterable<Speech>;

/** What the sample says, and the seconds at which each sentence begins. */
export const SAMPLE: readonly (readonly [at: number, text: string])[] = [
  [0, "Hello. I am your avatar, and I live on your own machine."],
  [4.4, "Please move my lips with any voice you like."],
  [7.3, "Five fresh fish, a blue moon, and nobody\u2019s cloud."],
  [10.7, "Shall we begin?"],
];

let hello: Promise<Int16Array> | null = null;

/** The sample. */
export async function* sample(): AsyncIterable<Speech> {
  hello ??= ask(helloUrl)
    .then(async (reply) => decodeAudioFile(await reply.arrayBuffer(), RATE))
    .catch((reason: unknown) => {
      hello = null;
      throw reason;
    });
  const samples = await hello;
  yield { samples, captions: SAMPLE.map(([at, text]) => ({ share: (at * RATE) / samples.length, text })) };
}

/** Text, spoken by the server piece by piece. */
export async function* text(words: string, voice: string, most: number, access: Access): AsyncIterable<Speech> {
  for (const piece of pieces(words, most)) {
    const reply = await post("/v1/page/speech", { text: piece, voice }, await access.headers());
    yield { samples: await decodeAudioFile(await reply.arrayBuffer(), RATE), captions: [{ share: 0, text: piece }] };
  }
}

/** An audio file. Throws an `Error` fit for people when it is too large or too long. */
export async function* file(given: File): AsyncIterable<Speech> {
  if (given.size > MAX_FILE_BYTES) throw new Error(`${given.name} is larger than 200 MB.`);
  const samples = await decodeAudioFile(given, RATE).catch(() => {
    throw new Error(`${given.name} is no audio that this browser can play.`);
  });
  if (samples.length > LONGEST_S * RATE) throw new Error(`${given.name} is longer than ten minutes.`);
  yield { samples, captions: [] };
}

/** The server's voices, and the longest text in characters that one request may hold. */
export async function voices(): Promise<{ voices: Voice[]; maxCharacters: number }> {
  return (await (await ask("/v1/page/voices")).json()) as { voices: Voice[]; maxCharacters: number };
}

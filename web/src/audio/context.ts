import { error, ErrorCode } from "../errors.js";
import { registerProcessors } from "./player-worklet.js";

const UNLOCK_WAIT_MS = 1000;

/**
 * A running audio context with our processors. Call it in a click, key or touch handler.
 *
 * @param sampleRate Hertz.
 * @param workletUrl See `Configuration.audioWorkletUrl`.
 *
 * Rejects with `audioContextNotInitialized` outside a gesture, `playbackInitFailed` where there is no Web Audio.
 */
export async function openAudioContext(sampleRate: number, workletUrl?: string): Promise<AudioContext> {
  let context: AudioContext;
  try {
    context = new AudioContext({ sampleRate, latencyHint: "interactive" });
  } catch (cause) {
    throw error(ErrorCode.playbackInitFailed, "This browser offers no Web Audio.", { cause, retryable: false });
  }
  try {
    // Outside a gesture the browser leaves this promise open for ever.
    const unlocked = context.resume().then(() => true);
    if (!context.audioWorklet) {
      throw error(ErrorCode.playbackInitFailed, "The browser plays sound on https pages and on localhost only.", {
        retryable: false,
      });
    }
    await addProcessors(context, workletUrl);
    const wait = navigator.userActivation?.hasBeenActive === false ? 100 : UNLOCK_WAIT_MS;
    const inTime = await Promise.race([unlocked, new Promise<boolean>((done) => setTimeout(() => done(false), wait))]);
    if (!inTime && context.state !== "running") {
      throw error(ErrorCode.audioContextNotInitialized, "The browser plays sound only after a gesture of the user.");
    }
    return context;
  } catch (reason) {
    void context.close();
    throw reason;
  }
}

async function addProcessors(context: AudioContext, workletUrl?: string): Promise<void> {
  let url = workletUrl;
  if (url === undefined) {
    url = URL.createObjectURL(new Blob([`(${registerProcessors.toString()})()`], { type: "text/javascript" }));
  }
  try {
    await context.audioWorklet.addModule(url);
  } catch (cause) {
    throw error(ErrorCode.playbackInitFailed, "The audio processor could not be loaded.", {
      cause,
      hint: "Where the page's Content-Security-Policy forbids blob: scripts, set Configuration.audioWorkletUrl.",
    });
  } finally {
    if (workletUrl === undefined) URL.revokeObjectURL(url);
  }
}

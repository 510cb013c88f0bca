import { error, ErrorCode } from "../errors.js";
import { openAudioContext } from "./context.js";

/** The user's microphone as mono 16-bit samples, for talking-mirror demos. */
export class Microphone {
  private constructor(
    private readonly context: AudioContext,
    private readonly stream: MediaStream,
    private readonly node: AudioWorkletNode,
  ) {}

  /**
   * Ask for the microphone and listen. Call it in a gesture.
   *
   * @param onSamples Called with 512 samples at a time.
   *
   * Rejects with `invalidAudioInput` when the user refuses or there is none, and as `initializeAudioContext`.
   */
  static async open(
    onSamples: (samples: Int16Array) => void,
    given: { sampleRate?: number; audioWorkletUrl?: string } = {},
  ): Promise<Microphone> {
    const context = await openAudioContext(given.sampleRate ?? 16000, given.audioWorkletUrl);
    try {
      const audio = { echoCancellation: true, noiseSuppression: true, channelCount: 1 };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      const node = new AudioWorkletNode(context, "avatarkit-recorder", { numberOfOutputs: 1 });
      node.port.onmessage = ({ data }: MessageEvent<Int16Array>) => onSamples(data);
      const silent = context.createGain();
      silent.gain.value = 0; // a node is processed only on its way to the output
      context.createMediaStreamSource(stream).connect(node).connect(silent).connect(context.destination);
      return new Microphone(context, stream, node);
    } catch (cause) {
      void context.close();
      const name = cause instanceof Error ? cause.name : "unknown";
      throw error(ErrorCode.invalidAudioInput, `The microphone cannot be used: ${name}.`, {
        cause,
        hint: "Allow it in the browser, on an https page.",
      });
    }
  }

  /** Let the microphone go. Idempotent. */
  close(): void {
    this.node.port.onmessage = null;
    for (const track of this.stream.getTracks()) track.stop();
    if (this.context.state !== "closed") void this.context.close();
  }
}

/** As much of WebCodecs' Opus encoder as the package uses: 20 ms packets, with a length but without a sound. */
const PACKET = Uint8Array.of(0x08, 1, 2, 3); // its first byte says: 20 ms

class FakeAudioData {
  readonly numberOfFrames: number;
  readonly sampleRate: number;
  constructor(given: { numberOfFrames: number; sampleRate: number }) {
    this.numberOfFrames = given.numberOfFrames;
    this.sampleRate = given.sampleRate;
  }
  close(): void {}
}

class FakeAudioEncoder {
  static async isConfigSupported(): Promise<{ supported: boolean }> {
    return { supported: true };
  }

  state = "unconfigured";
  private pending = 0; // seconds

  constructor(private readonly given: { output: (chunk: unknown, metadata?: unknown) => void }) {}

  configure(): void {
    this.state = "configured";
  }

  encode(data: FakeAudioData): void {
    if (this.state !== "configured") throw new DOMException("not configured", "InvalidStateError");
    this.pending += data.numberOfFrames / data.sampleRate;
    while (this.pending >= 0.02 - 1e-9) this.put();
  }

  async flush(): Promise<void> {
    while (this.pending > 1e-9) this.put();
  }

  close(): void {
    this.state = "closed";
  }

  private put(): void {
    this.pending -= 0.02;
    this.given.output({ byteLength: PACKET.length, copyTo: (to: Uint8Array) => to.set(PACKET) }, {});
  }
}

/** Install it. */
export function installFakeEncoder(): void {
  Object.assign(globalThis, { AudioData: FakeAudioData, AudioEncoder: FakeAudioEncoder });
}

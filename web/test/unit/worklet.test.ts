/** The speaker over Web Audio, with an audio graph whose clock the test turns. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WorkletSpeaker } from "../../src/audio/worklet.js";

const RATE = 16000;

class FakePort {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: any[] = [];
  postMessage(data: unknown): void {
    this.sent.push(data);
  }
}

class FakeNode {
  readonly port = new FakePort();
  readonly gain = { setTargetAtTime: vi.fn() };
  connected = true;
  connect(to: unknown): unknown {
    return to;
  }
  disconnect(): void {
    this.connected = false;
  }
}

class FakeContext {
  currentTime = 0;
  readonly sampleRate = RATE;
  baseLatency = 0;
  outputLatency = 0;
  state = "running";
  onstatechange: (() => void) | null = null;
  readonly destination = {};
  readonly resume = vi.fn(async () => undefined);
  readonly close = vi.fn(async () => undefined);
  getOutputTimestamp?: () => { contextTime: number; performanceTime: number };
  readonly gainNode = new FakeNode();
  createGain(): FakeNode {
    return this.gainNode;
  }
}

let context: FakeContext;
let player: FakeNode;
let ticks: number;

beforeEach(() => {
  context = new FakeContext();
  ticks = 0;
  vi.stubGlobal("AudioWorkletNode", class extends FakeNode {
    constructor() {
      super();
      player = this;
    }
  });
});
afterEach(() => vi.unstubAllGlobals());

const open = (): WorkletSpeaker => new WorkletSpeaker(context as unknown as AudioContext, () => ticks++);
const report = (played: number, frame: number, running: boolean, epoch = 0): void => player.port.onmessage!({ data: { played, frame, running, epoch } });

test("what is heard lags what is played by the latency of the output", () => {
  context.outputLatency = 0.2;
  const speaker = open();
  speaker.write(new Int16Array(RATE));
  context.currentTime = 10;
  report(0, 10 * RATE, true);
  expect(speaker.heardSamples()).toBe(0);
  context.currentTime = 10.2;
  expect(speaker.heardSamples()).toBeCloseTo(0, 3);
  context.currentTime = 10.7;
  expect(speaker.heardSamples()).toBeCloseTo(0.5 * RATE, 3);
  expect(speaker.queuedSamples()).toBe(RATE / 2);
  expect(ticks).toBe(1);
});

test("the browser's own time stamp of the output wins, unless it is nonsense", () => {
  const speaker = open();
  speaker.write(new Int16Array(RATE));
  report(0, 0, true);
  context.currentTime = 0.5;
  context.getOutputTimestamp = () => ({ contextTime: 0.4, performanceTime: performance.now() });
  expect(speaker.heardSamples() / RATE).toBeCloseTo(0.4, 2);
  context.currentTime = 0.9;
  context.outputLatency = 0.05;
  context.getOutputTimestamp = () => ({ contextTime: 123, performanceTime: performance.now() });
  expect(speaker.heardSamples() / RATE).toBeCloseTo(0.85, 3);
});

test("what is heard never goes back, never passes what was written, and stands still in a gap", () => {
  const speaker = open();
  speaker.write(new Int16Array(1600));
  report(0, 0, true);
  context.currentTime = 0.05;
  expect(speaker.heardSamples()).toBe(800);
  context.outputLatency = 0.04; // it changes when a headset comes
  expect(speaker.heardSamples()).toBe(800);
  context.currentTime = 5;
  expect(speaker.heardSamples()).toBe(1600);
  report(1600, 1600, false);
  speaker.write(new Int16Array(1600));
  expect(speaker.heardSamples()).toBe(1600);
  report(1600, 6 * RATE, true);
  context.currentTime = 6.04 + 0.05;
  expect(speaker.heardSamples()).toBeCloseTo(2400, 3);
});

test("reports of what was flushed do not count", () => {
  const speaker = open();
  speaker.write(new Int16Array(1600));
  report(0, 0, true);
  speaker.flush();
  context.currentTime = 1;
  report(800, 800, true, 0);
  expect(speaker.heardSamples()).toBe(0);
  expect(player.port.sent.at(-1)).toEqual({ type: "flush", epoch: 1 });
});

test("a context that another app took away is asked for again, and closing lets go of everything once", () => {
  const speaker = open();
  context.state = "interrupted";
  context.onstatechange!();
  expect(context.resume).toHaveBeenCalledTimes(1);
  speaker.setVolume(0.25);
  expect(context.gainNode.gain.setTargetAtTime).toHaveBeenCalledWith(0.25, 0, expect.any(Number));
  speaker.close();
  speaker.close();
  expect(context.close).toHaveBeenCalledTimes(1);
  expect([player.connected, context.gainNode.connected, context.onstatechange]).toEqual([false, false, null]);
  const { length } = player.port.sent;
  speaker.write(new Int16Array(8));
  expect(player.port.sent).toHaveLength(length);
});

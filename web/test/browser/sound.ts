/** Speech, heard: measured on the clock of the audio graph where time matters. */
import { expect, test } from "vitest";
import { MEDIA, SPEECH, type Stage } from "./stage.js";

export function soundTests(stage: Stage): void {
  test("is told loudly that it needs a gesture", async () => {
    const { page, server, site } = stage;
    const session = { appId: server.appId, endpoint: server.url, token: await server.token() };
    const context = await stage.browser.newContext();
    const other = await context.newPage();
    await other.route("**/session.json", (route) => route.fulfill({ json: session }));
    const told = other.waitForEvent("console", { predicate: (message) => message.text().startsWith("result ") });
    await other.goto(`${site.url}/test/browser/pages/app.html#no-gesture`);
    const result = JSON.parse((await told).text().slice(7)) as unknown;
    expect(result).toEqual({ code: "audioContextNotInitialized", id: null, errors: ["audioContextNotInitialized"] });
    await context.close();
    await page.bringToFront();
  });

  test("moves the mouth, which shuts in pauses and rests in the end", async () => {
    await stage.mount({ options: { seed: 7 } });
    await stage.connect();
    const result = await stage.page.evaluate(async (url) => {
      const w = window as any;
      const { view, controller } = w.one;
      const pause = new Uint8Array(2 * 16000 * 0.8);
      const speech: Uint8Array = await w.speech(url, 16000, 3);
      const bytes = new Uint8Array(2 * speech.length + pause.length);
      bytes.set(speech);
      bytes.set(pause, speech.length);
      bytes.set(speech, speech.length + pause.length);
      const samples = new Int16Array(bytes.buffer);
      const jaw = w.kit.ARKIT_INDEX.jawOpen;
      const seen: { at: number; jaw: number; loud: number }[] = [];
      for (let i = 0; i < bytes.length; i += 6400) controller.send(bytes.subarray(i, i + 6400), i + 6400 >= bytes.length);
      await w.until(() => {
        const at: number = controller.getAudioTime();
        const middle = Math.round(at * 16000);
        const loud: number = w.kit.loudness(samples.subarray(Math.max(0, middle - 800), middle + 800));
        if (controller.conversationState === "playing" && at > 0) seen.push({ at, jaw: view.pose.weights[jaw], loud });
        return seen.length > 20 && controller.conversationState === "idle";
      });
      await new Promise((done) => setTimeout(done, 900));
      const silence = [speech.length / 32000 + 0.3, (speech.length + pause.length) / 32000 - 0.15];
      return { seen, silence, rest: view.pose.weights[jaw], length: bytes.length / 32000, report: controller.report(), states: w.one.states };
    }, SPEECH);
    const { seen, report, silence } = result;
    expect(result.states).toEqual(["connecting", "connected", "playing", "idle"]);
    expect(seen.at(-1)!.at).toBeGreaterThan(result.length - 0.5);
    const mean = (list: number[]): number => list.reduce((sum, x) => sum + x, 0) / list.length;
    const centred = (list: number[]): number[] => list.map((x) => x - mean(list));
    const dot = (p: number[], q: number[]): number => p.reduce((sum, x, i) => sum + x * q[i]!, 0);
    const [a, b] = [centred(seen.map((x) => x.jaw)), centred(seen.map((x) => x.loud))];
    expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.3);
    const inPause = seen.filter(({ at }) => at > silence[0]! && at < silence[1]!).map((x) => x.jaw);
    const loud = seen.filter((x) => x.loud > 0.05).map((x) => x.jaw);
    expect(inPause.length).toBeGreaterThan(0);
    expect(mean(inPause)).toBeLessThan(0.35 * mean(loud));
    expect(Math.max(...loud)).toBeGreaterThan(0.15);
    expect(result.rest).toBeLessThan(0.05);
    expect(report.motionFrames).toBeGreaterThan(result.length * 25 - 3);
    expect(report.motionBytesPerSecond).toBeLessThan(2200);
    // How small they are is for the bench to say: software GL on a busy machine is no measure.
    expect(report.avOffsetMsP95).toBeGreaterThanOrEqual(0);
    expect(report.firstMotionMs).toBeGreaterThan(0);
  });

  test("falls silent within 100 ms of an interrupt, by the audio graph's own clock", async () => {
    await stage.mount();
    await stage.connect();
    const result = await stage.page.evaluate(async (url) => {
      const w = window as any;
      const { view, controller } = w.one;
      const { audioOutput } = controller;
      const { context } = audioOutput;
      // In the audio thread: when was there sound? Frames of the graph's clock, of blocks that were not silent.
      const meter = `registerProcessor("meter", class extends AudioWorkletProcessor {
        process([[block]]) { if (block?.some((x) => Math.abs(x) > 1e-4)) this.port.postMessage(currentFrame + block.length); return true; }
      })`;
      await context.audioWorklet.addModule(URL.createObjectURL(new Blob([meter], { type: "text/javascript" })));
      const node = new AudioWorkletNode(context, "meter");
      let lastSound = 0;
      node.port.onmessage = ({ data }) => (lastSound = data / context.sampleRate);
      audioOutput.connect(node);
      const speech = await w.speech(url);
      const delays: number[] = [];
      for (let round = 0; round < 3; round++) {
        controller.send(speech, true);
        const began = lastSound;
        await w.until(() => controller.getAudioTime() > 0.4 && lastSound > began);
        const at = context.currentTime;
        controller.interrupt();
        await w.until(() => context.currentTime > at + 0.3);
        await new Promise((done) => setTimeout(done, 50)); // what the audio thread still has to tell
        delays.push(lastSound - at);
      }
      await new Promise((done) => setTimeout(done, 400));
      return { delays, jaw: view.pose.weights[w.kit.ARKIT_INDEX.jawOpen], state: controller.conversationState };
    }, SPEECH);
    for (const delay of result.delays) expect(delay).toBeLessThanOrEqual(0.1);
    expect(result.jaw).toBeLessThan(0.05);
    expect(result.state).toBe("idle");
  });

  test("comes from Opus by the browser's own decoder, and goes upstream as Opus by its encoder", async () => {
    await stage.mount({ options: { audioFormat: { inputAudioFormat: "opus" } } });
    await stage.connect();
    const result = await stage.page.evaluate(async (url) => {
      const w = window as any;
      const { controller } = w.one;
      const decoders: unknown[] = [];
      const Decoder = AudioDecoder;
      w.AudioDecoder = class extends Decoder {
        constructor(given: AudioDecoderInit) {
          super(given);
          decoders.push(this);
        }
      };
      const speak = (send: () => void): Promise<number> =>
        new Promise((done) => {
          controller.onPlaybackFinished = (_: string, position: number) => done(position);
          send();
        });
      const bytes = new Uint8Array(await (await fetch(`${url}/tone.opus`)).arrayBuffer());
      const ogg = await speak(() => {
        for (let at = 0; at < bytes.length; at += 333) controller.send(bytes.subarray(at, at + 333), at + 333 >= bytes.length);
      });
      const packets: string[] = await (await fetch(`${url}/packets.json`)).json();
      const bare = await speak(() => {
        packets.forEach((packet, i) => {
          const pairs = packet.match(/../g)!.map((pair) => parseInt(pair, 16));
          controller.send(Uint8Array.from(pairs), i === packets.length - 1);
        });
      });
      w.AudioDecoder = Decoder;
      const { motionFrames } = controller.report();

      controller.setAudioFormat({ inputAudioFormat: "pcm", sampleRate: 16000, opusUplinkEnabled: true });
      await controller.initializeAudioContext();
      await controller.start();
      let upstream = 0;
      let starts = "";
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (data: any) {
        upstream += data.byteLength;
        starts += new TextDecoder("latin1").decode(data).match(/OggS|OpusHead/g)?.join(" ") ?? "";
        return send.call(this, data);
      };
      const tone = Int16Array.from({ length: 16000 }, (_, i) => 9000 * Math.sin(i / 9) * Math.sin(i / 900));
      const heard = await speak(() => controller.send(tone, true));
      WebSocket.prototype.send = send;
      return {
        ogg, bare, decoders: decoders.length, motionFrames, heard, upstream, head: starts.startsWith("OggS OpusHead"),
        uplinkFrames: controller.report().motionFrames - motionFrames, errors: w.one.errors,
      };
    }, MEDIA);
    expect(result.errors).toEqual([]);
    expect(result.decoders).toBe(2);
    expect(result.ogg).toBeCloseTo(1, 1);
    expect(result.bare).toBeCloseTo(1, 1);
    expect(result.motionFrames).toBeGreaterThanOrEqual(49);
    expect(result.heard).toBeCloseTo(1, 1); // what was sent, not what was encoded
    expect(result.head).toBe(true);
    expect(result.upstream).toBeLessThan(16000); // half of the PCM at the very most
    expect(result.uplinkFrames).toBeGreaterThanOrEqual(24);
    expect(result.uplinkFrames).toBeLessThanOrEqual(26);
  });

  test("comes from the microphone, for a mirror that talks", async () => {
    await stage.mount();
    await stage.connect();
    const result = await stage.page.evaluate(async () => {
      const w = window as any;
      const { kit, one } = w;
      let count = 0;
      let loudest = 0;
      const sizes = new Set<number>();
      const microphone = await kit.Microphone.open((samples: Int16Array) => {
        count += samples.length;
        sizes.add(samples.length);
        loudest = Math.max(loudest, kit.loudness(samples));
        one.controller.send(samples);
      });
      await w.until(() => count > 16000 && loudest > 0.01); // the fake device beeps
      microphone.close();
      microphone.close();
      await new Promise((done) => setTimeout(done, 100));
      const after = count;
      one.controller.send(new Uint8Array(), true);
      await w.until(() => one.controller.conversationState === "idle");
      return { sizes: [...sizes], stopped: after === count, heard: one.controller.report().rounds, errors: one.errors };
    });
    expect(result).toEqual({ sizes: [512], stopped: true, heard: 1, errors: [] });
  });
}

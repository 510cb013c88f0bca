/** Plays a conformance scenario against the package's public API: tests/conformance/README.md. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Bundle } from "../../src/bundle/bundle.js";
import { neutralPose } from "../../src/frames.js";
import { AvatarManager, AvatarSDK, AvatarView, type AvatarError, type Avatar } from "../../src/index.js";
import { settle, VirtualClock } from "./clock.js";
import { installFakeCaches, installFakeStorage } from "./fake-caches.js";
import { installFakeDom } from "./fake-dom.js";
import { installFakeEncoder } from "./fake-encoder.js";
import { installQuickHash, ScenarioLibrary } from "./scenario-library.js";
import { Looks, type Seat } from "./scenario-look.js";
import { motionMessage, ScenarioServer, type Motion } from "./scenario-server.js";

const DATA = new URL("../../../tests/conformance/media/", import.meta.url);
const START_S = 1000;
const STANDARD = ["connection", "conversation", "error", "stall"];

export interface Scenario {
  name: string;
  about: string;
  needs: string[];
  setup: Record<string, any>;
  server: Record<string, any>;
  steps: Record<string, any>[];
}

const BUNDLE = { info: { camera: { position: [0, 0, 1], target: [0, 0, 0], fov: 20 } }, meshes: [] } as unknown as Bundle;
const SOMEONE: Avatar = { id: "someone", name: "Someone", version: 1, sha256: "0".repeat(64), isFromCache: true, bundle: BUNDLE };

/** One run of one scenario. */
export class World extends Looks {
  protected readonly clock = new VirtualClock(START_S);
  protected readonly server: ScenarioServer;
  protected readonly library: ScenarioLibrary;
  private readonly dom = installFakeDom(this.clock);
  private readonly calls = new Map<string, Promise<unknown>>();
  private readonly loaded = new Map<string, Avatar>();
  private readonly manager: AvatarManager;
  private tokensAsked = 0;
  private bootstrap: any;

  constructor(private readonly scenario: Scenario) {
    super();
    this.bootstrap = scenario.server.bootstrap ?? "unreachable";
    this.server = new ScenarioServer(scenario.server.answer ?? "confirm");
    this.library = new ScenarioLibrary(scenario.server.avatars ?? {});
    const read = (): Bundle => BUNDLE; // the bundles of scenarios are plain text
    this.manager = new AvatarManager({ fetcher: this.library.fetch, clock: this.clock, read });
    installFakeCaches();
    installFakeEncoder();
    installQuickHash();
    installFakeStorage();
    globalThis.fetch = async () => this.answerBootstrap();
  }

  async play(): Promise<void> {
    const { setup, steps } = this.scenario;
    AvatarSDK.cleanup();
    if (setup.launched !== false) await this.launch("auto");
    if (setup.view !== false) await this.openView({ view: "main" });
    for (const [number, step] of steps.entries()) {
      try {
        await this.step(step);
      } catch (reason) {
        const where = `step ${number}: ${JSON.stringify(step)} at ${(this.clock.now() - START_S).toFixed(3)} s`;
        throw new Error(`${(reason as Error).message}\nin ${where}`, { cause: reason });
      }
      await this.clock.advance(0);
      if (this.usesOpus) for (let i = 0; i < 30; i++) await settle(); // its decoder works in small steps
    }
  }

  private async launch(region: string): Promise<void> {
    const { setup } = this.scenario;
    if (AvatarSDK.isInitialized) AvatarSDK.cleanup(); // the life before
    await AvatarSDK.initialize("app", {
      ...(setup.regions ? { regions: setup.regions, region } : { endpoint: "http://server.test" }),
      drivingServiceMode: setup.mode ?? "direct",
      audioFormat: {
        ...(setup.sampleRate && { sampleRate: setup.sampleRate }),
        inputAudioFormat: setup.inputFormat ?? "pcm",
        opusUplinkEnabled: setup.opusUplink ?? false,
      },
      connectTimeoutS: setup.connectTimeout ?? 15,
      ...(setup.reconnect && {
        reconnect: { attempts: setup.reconnect.attempts, firstDelayS: setup.reconnect.firstDelay, maxDelayS: setup.reconnect.maxDelay },
      }),
    });
    if (setup.token !== null) AvatarSDK.setSessionToken(setup.token ?? "token");
    if (setup.provider) AvatarSDK.setTokenProvider(() => this.provideToken(setup.provider));
  }

  private answerBootstrap(): Response {
    if (this.bootstrap === "unreachable") throw new TypeError("fetch failed");
    const { region, status = 200 } = this.bootstrap;
    return Response.json({ region: { current: region } }, { status });
  }

  private async provideToken(tokens: (string | null)[]): Promise<string> {
    const token = tokens[Math.min(this.tokensAsked++, tokens.length - 1)];
    if (token === null) throw new Error("the app's backend is away");
    return token!;
  }

  private get usesOpus(): boolean {
    return [...this.seats.values()].some(({ view }) => view.controller.audioFormat.inputAudioFormat === "opus");
  }

  end(): void {
    AvatarSDK.cleanup();
  }

  private async step(step: Record<string, any>): Promise<void> {
    if ("advance" in step) await this.clock.advance(step.advance);
    else if ("jump" in step) this.clock.set(this.clock.now() + step.jump);
    else if ("expect" in step) for (const [key, wanted] of Object.entries(step.expect)) this.expect(key, wanted, step);
    else if ("server" in step) this.serve(step);
    else if ("machine" in step) this.happen(step);
    else await this.call(step);
  }

  private async call(step: Record<string, any>): Promise<void> {
    const work = step.do === "await" ? this.calls.get(step.call)! : this.perform(step);
    if (step.background) {
      this.calls.set(step.background, work);
      work.catch(() => undefined);
      return;
    }
    let result: unknown;
    try {
      result = await this.settled(work);
    } catch (reason) {
      if (!step.error) throw reason;
      expect((reason as AvatarError).code).toBe(step.error);
      return;
    }
    if (step.error) throw new Error(`expected the error ${step.error}`);
    if ("result" in step && typeof step.result !== "object") expect(result).toBe(step.result);
  }

  /** A call's outcome, which needs no virtual time; fails rather than hangs. */
  private async settled<T>(work: Promise<T>): Promise<T> {
    let hangs = true;
    const done = work.finally(() => (hangs = false));
    done.catch(() => undefined);
    for (let i = 0; i < 50 && hangs; i++) await settle();
    if (hangs) throw new Error("the call does not end");
    return done;
  }

  private async perform(step: Record<string, any>): Promise<unknown> {
    const controller = this.seat(step)?.view.controller;
    switch (step.do as string) {
      case "openView":
        return this.openView(step);
      case "dispose":
        return this.seat(step).view.dispose();
      case "start":
        return controller.start();
      case "close":
        return controller.close();
      case "interrupt":
        return controller.interrupt();
      case "pause":
        return controller.pause();
      case "resume":
        return controller.resume();
      case "waitConnected":
        return controller.waitConnected(step.timeout);
      case "send":
        return this.name(step, controller.send(this.audio(step), step.end ?? false));
      case "yieldAudio":
        return this.name(step, controller.yieldAudioData(this.audio(step), step.end ?? false));
      case "yieldMotion":
        return controller.yieldFramesData(
          step.frames.map((f: any) => (f.bytes !== undefined ? Buffer.from(f.bytes, "hex") : motionMessage("of-the-backend", f))),
          this.id(step),
        );
      case "setAudioFormat": {
        controller.setAudioFormat({
          ...(step.sampleRate && { sampleRate: step.sampleRate }),
          ...(step.inputFormat && { inputAudioFormat: step.inputFormat }),
        });
        this.seat(step).sampleRate = controller.audioFormat.sampleRate;
        return;
      }
      case "setVolume":
        return controller.setVolume(step.volume);
      case "setStarvation":
        controller.frameStarvationMode = step.mode;
        return;
      case "setTransform":
        this.seat(step).view.avatarTransform = { x: step.x, y: step.y, scale: step.scale };
        return;
      case "setResolutionCap":
        return AvatarSDK.setRenderResolutionCap(step.lines !== null, step.lines ?? undefined);
      case "setRenderQuality":
        return AvatarSDK.setRenderQuality(step.quality);
      case "pauseRendering":
        return this.seat(step).view.pauseRendering();
      case "resumeRendering":
        return this.seat(step).view.resumeRendering();
      case "monitorFrames":
        controller.frameRateMonitorEnabled = step.value;
        return;
      case "launch":
        return this.launch(step.region ?? "auto");
      case "setToken":
        return AvatarSDK.setSessionToken(step.token);
      case "cleanup":
        return AvatarSDK.cleanup();
      case "load":
        return this.load(step);
      case "cancelLoad":
        return this.manager.cancelLoad(step.avatar);
      case "cancelAllLoads":
        return this.manager.cancelAllLoads();
      case "clear":
        return this.manager.clear(step.avatar);
      case "clearAll":
        return this.manager.clearAll();
      case "retrieve":
        return expect(this.manager.retrieve(step.avatar) !== undefined, "found").toBe(step.found);
      default:
        throw new Error(`the verb ${step.do} is unknown`);
    }
  }

  private async load(step: Record<string, any>): Promise<void> {
    const told: string[] = [];
    try {
      const avatar = await this.manager.load(step.avatar, ({ type }) => {
        if (told.at(-1) !== type) told.push(type);
      });
      this.loaded.set(step.avatar, avatar);
      const known = { fromCache: avatar.isFromCache, version: avatar.version, name: avatar.name };
      expect(known).toMatchObject(step.result ?? {});
    } finally {
      if ("progress" in step) expect(told).toEqual(step.progress);
    }
  }

  private async openView(step: Record<string, any>): Promise<void> {
    const { setup } = this.scenario;
    const container = this.dom.container();
    const seat: Seat = {
      view: null as never, container, poses: [], framings: [], sampleRate: 0, events: [], isBroken: false, lookedAt: 0,
      statistics: null,
    };
    const view = new AvatarView(this.loaded.get(step.avatar) ?? SOMEONE, container, {
      audioFormat: {
        ...(step.sampleRate && { sampleRate: step.sampleRate }),
        ...(step.inputFormat && { inputAudioFormat: step.inputFormat }),
      },
      seed: this.seats.size,
      speaker: setup.speaker === "locked" ? "auto" : "silent",
      clock: this.clock,
      openSocket: this.server.open,
      renderer: (canvas) => ({
        canvas,
        load: () => Promise.resolve(),
        setShadowTaps: () => undefined,
        resize: () => undefined,
        draw: (pose, framing) => {
          if (seat.isBroken) throw new Error("the renderer lost its context");
          const copy = neutralPose();
          copy.weights.set(pose.weights);
          seat.poses.push(copy);
          seat.framings.push(JSON.stringify(framing));
        },
        clipBox: () => null,
        dispose: () => undefined,
      }),
    });
    Object.assign(seat, { view, sampleRate: view.controller.audioFormat.sampleRate });
    this.seats.set(step.view ?? "main", seat);
    const kinds: string[] = setup.listen ?? STANDARD;
    const tell = (kind: string) => (value: unknown) => {
      if (kinds.includes(kind)) seat.events.push({ [kind]: value, at: this.clock.now() - START_S });
    };
    view.controller.onConnectionState = tell("connection");
    view.controller.onConversationState = tell("conversation");
    view.controller.onError = (reason) => tell("error")(reason.code);
    view.controller.onPlaybackStall = tell("stall");
    view.controller.onFrameRateInfo = (info) => (seat.statistics = info);
    const tellPlayback = (event: Record<string, unknown>): void => {
      if (kinds.includes("playback")) seat.events.push({ ...event, at: this.clock.now() - START_S });
    };
    const named = (id: string): string => [...this.rounds].find(([, other]) => other === id)?.[0] ?? id;
    view.controller.onPlaybackStarted = (id) => tellPlayback({ started: named(id) });
    view.controller.onPlaybackFinished = (id, position, interrupted) =>
      tellPlayback({ finished: named(id), position, interrupted });
    await settle();
    for (const [name, other] of this.seats) if (!other.poses.length) await this.firstFrame(name);
  }

  /** The steps begin with a drawn frame, at the instant they begin. */
  private async firstFrame(name: string): Promise<void> {
    const { poses, framings, view } = this.seats.get(name)!;
    poses.push(view.controller.player.frame(this.clock.now()).pose);
    framings.push(JSON.stringify({ camera: view.getCameraConfig(), transform: view.avatarTransform }));
  }

  private audio(step: Record<string, any>): Uint8Array {
    const audio = step.audio;
    const rate = this.seat(step).sampleRate;
    if ("seconds" in audio) {
      const samples = Math.round(audio.seconds * rate);
      return new Uint8Array(2 * samples).fill(1);
    }
    if ("silence" in audio) return new Uint8Array(2 * Math.round(audio.silence * rate));
    if ("hex" in audio) return Uint8Array.from(Buffer.from(audio.hex, "hex"));
    if ("packet" in audio) {
      const packets = JSON.parse(readFileSync(new URL("packets.json", DATA), "utf8")) as string[];
      return Uint8Array.from(Buffer.from(packets[audio.packet]!, "hex"));
    }
    if ("file" in audio) return Uint8Array.from(readFileSync(new URL(audio.file, DATA))).slice(audio.from, audio.to);
    return new Uint8Array();
  }

  private name(step: Record<string, any>, given: string | null): string | null {
    if (!("round" in step)) return given;
    if (step.round === null) {
      expect(given).toBeNull();
      return given;
    }
    if (!this.rounds.has(step.round)) {
      expect([...this.rounds.values()]).not.toContain(given);
      this.rounds.set(step.round, given!);
    }
    expect(given).toBe(this.rounds.get(step.round));
    return given;
  }

  private id(step: Record<string, any>): string {
    return step.round ? this.rounds.get(step.round)! : (step.id ?? "");
  }

  private happen(step: Record<string, any>): void {
    const seat = this.seat(step);
    if (step.machine === "breakRenderer") seat.isBroken = true;
    else if (step.machine === "resize") this.dom.resize(seat.container, step.size[0], step.size[1]);
    else throw new Error(`the machine's verb ${step.machine} is unknown`);
  }

  private serve(step: Record<string, any>): void {
    if (step.server === "answer") {
      this.server.answers = Array.isArray(step.answer) ? step.answer : [step.answer];
      return;
    }
    const connection = this.server.connections.at(step.connection ?? -1)!;
    const { library } = this;
    const verbs: Record<string, () => void> = {
      library: () => (library.avatars = step.avatars),
      offline: () => (library.offline = step.value),
      status: () => (library.statuses = { ...library.statuses, ...step }),
      breakDownloads: () => (library.breaks = { after: step.after, times: step.times }),
      holdDownloads: () => library.hold(step.value),
      bootstrap: () => (this.bootstrap = step.answer),
      confirm: () => connection.confirm(),
      motion: () => connection.push(motionMessage(this.id(step), step as Motion)),
      error: () => connection.error(step.code, step.message, this.id(step)),
      close: () => connection.end(step.code, step.reason ?? ""),
      drop: () => connection.end(1006, ""),
      bytes: () => connection.push(Uint8Array.from(Buffer.from(step.hex, "hex"))),
      text: () => connection.text(step.text),
    };
    const act = verbs[step.server as string];
    if (!act) throw new Error(`the server's verb ${step.server} is unknown`);
    act();
  }
}

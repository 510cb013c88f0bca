/** Plays a conformance scenario against the package's public API: tests/conformance/README.md. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Bundle } from "../../src/bundle/bundle.js";
import { ARKIT_INDEX, neutralPose, type ArkitName, type Pose } from "../../src/frames.js";
import { AvatarManager, AvatarSDK, AvatarView, type AvatarError, type Avatar } from "../../src/index.js";
import { settle, VirtualClock } from "./clock.js";
import { installFakeCaches } from "./fake-caches.js";
import { installFakeDom } from "./fake-dom.js";
import { installFakeEncoder } from "./fake-encoder.js";
import { installQuickHash, ScenarioLibrary } from "./scenario-library.js";
import { motionMessage, ScenarioServer, type Motion } from "./scenario-server.js";

const DATA = new URL("../../../tests/conformance/media/", import.meta.url);
const START_S = 1000;
const SHOWN = 0.02;
const STANDARD = ["connection", "conversation", "error", "stall"];

export interface Scenario {
  name: string;
  about: string;
  needs: string[];
  setup: Record<string, any>;
  server: Record<string, any>;
  steps: Record<string, any>[];
}

interface Seat {
  view: AvatarView;
  poses: Pose[];
  sampleRate: number;
  events: Record<string, any>[];
}

const BUNDLE = { info: { camera: { position: [0, 0, 1], target: [0, 0, 0], fov: 20 } }, meshes: [] } as unknown as Bundle;
const SOMEONE: Avatar = { id: "someone", name: "Someone", version: 1, sha256: "0".repeat(64), isFromCache: true, bundle: BUNDLE };

/** One run of one scenario. */
export class World {
  private readonly clock = new VirtualClock(START_S);
  private readonly container = installFakeDom(this.clock);
  private readonly server: ScenarioServer;
  private readonly seats = new Map<string, Seat>();
  private readonly rounds = new Map<string, string>();
  private readonly calls = new Map<string, Promise<unknown>>();
  private readonly library: ScenarioLibrary;
  private readonly manager: AvatarManager;
  private tokensAsked = 0;

  constructor(private readonly scenario: Scenario) {
    this.server = new ScenarioServer(scenario.server.answer ?? "confirm");
    this.library = new ScenarioLibrary(scenario.server.avatars ?? {});
    const read = (): Bundle => BUNDLE; // the bundles of scenarios are plain text
    this.manager = new AvatarManager({ fetcher: this.library.fetch, clock: this.clock, read });
    installFakeCaches();
    installFakeEncoder();
    installQuickHash();
  }

  async play(): Promise<void> {
    const { setup, steps } = this.scenario;
    AvatarSDK.cleanup();
    await AvatarSDK.initialize("app", {
      endpoint: "http://server.test",
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
    if (setup.provider) AvatarSDK.setTokenProvider(() => this.provideToken(setup.provider));
    if (setup.token !== null) AvatarSDK.setSessionToken(setup.token ?? "token");
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
    else await this.call(step);
  }

  private seat(step: Record<string, any>): Seat {
    return this.seats.get(step.view ?? "main")!;
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
      const known = { fromCache: avatar.isFromCache, version: avatar.version, name: avatar.name };
      expect(known).toMatchObject(step.result ?? {});
    } finally {
      if ("progress" in step) expect(told).toEqual(step.progress);
    }
  }

  private async openView(step: Record<string, any>): Promise<void> {
    const { setup } = this.scenario;
    const poses: Pose[] = [];
    const view = new AvatarView(SOMEONE, this.container, {
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
        draw: (pose) => {
          const copy = neutralPose();
          copy.weights.set(pose.weights);
          poses.push(copy);
        },
        clipBox: () => null,
        dispose: () => undefined,
      }),
    });
    const seat: Seat = { view, poses, sampleRate: view.controller.audioFormat.sampleRate, events: [] };
    this.seats.set(step.view ?? "main", seat);
    const kinds: string[] = setup.listen ?? STANDARD;
    const tell = (kind: string) => (value: unknown) => {
      if (kinds.includes(kind)) seat.events.push({ [kind]: value, at: this.clock.now() - START_S });
    };
    view.controller.onConnectionState = tell("connection");
    view.controller.onConversationState = tell("conversation");
    view.controller.onError = (reason) => tell("error")(reason.code);
    view.controller.onPlaybackStall = tell("stall");
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
    const { poses, view } = this.seats.get(name)!;
    poses.push(view.controller.player.frame(this.clock.now()).pose);
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

  private expect(key: string, wanted: any, step: Record<string, any>): void {
    const seat = this.seat(step);
    const controller = seat?.view.controller;
    const newest = this.server.connections.at(step.connection ?? -1);
    switch (key) {
      case "connection":
        return expect(controller.connectionState).toBe(wanted);
      case "conversation":
        return expect(controller.conversationState).toBe(wanted);
      case "audioTime":
        return expect(Math.abs(controller.getAudioTime() - wanted), "audioTime").toBeLessThanOrEqual(0.05);
      case "events": {
        const told = errorBehindFailed(seat.events);
        seat.events = [];
        expect(told.map(bare)).toEqual(wanted.map(bare));
        wanted.forEach((event: any, i: number) => {
          if ("position" in event) expect(Math.abs(told[i]!.position - event.position)).toBeLessThanOrEqual(0.05);
          if ("at" in event) expect(Math.abs(told[i]!.at - event.at), JSON.stringify(told[i])).toBeLessThanOrEqual(0.06);
        });
        return;
      }
      case "sent": {
        const names = new Map([...this.rounds].map(([name, id]) => [id, name]));
        const received = newest!.takeReceived(names);
        const shown = received.map((got, i) =>
          Object.fromEntries(Object.entries(got).filter(([k]) => k !== "bytes" || "bytes" in (wanted[i] ?? {}))),
        );
        return expect(shown).toEqual(wanted);
      }
      case "connections":
        return expect(this.server.attempts.length).toBe(wanted);
      case "open":
        return expect(this.server.connections.filter((connection) => connection.open).length).toBe(wanted);
      case "token":
        return expect(this.server.attempts.at(-1)!.sessionToken).toBe(wanted);
      case "face":
        for (const [shape, [low, high]] of Object.entries(wanted as Record<ArkitName, [number, number]>)) {
          const weight = seat.poses.at(-1)!.weights[ARKIT_INDEX[shape as ArkitName]]!;
          expect(weight, shape).toBeGreaterThanOrEqual(low);
          expect(weight, shape).toBeLessThanOrEqual(high);
        }
        return;
      case "requests": {
        const { metadataRequests, ranges } = this.library;
        return expect({ metadata: metadataRequests, assets: ranges.length, ranges }).toMatchObject(wanted);
      }
      case "neverDrawn":
        for (const shape of wanted as ArkitName[]) {
          const most = Math.max(...seat.poses.map((pose) => pose.weights[ARKIT_INDEX[shape]]!));
          expect(most, shape).toBeLessThanOrEqual(SHOWN);
        }
        return;
      default:
        throw new Error(`the expectation ${key} is unknown`);
    }
  }
}

function bare(event: Record<string, any>): Record<string, any> {
  return Object.fromEntries(Object.entries(event).filter(([key]) => key !== "at" && key !== "position"));
}

/** The order of `failed` and its error is free; make it one. */
function errorBehindFailed(events: readonly Record<string, any>[]): Record<string, any>[] {
  const told = [...events];
  for (let i = 0; i + 1 < told.length; i++) {
    if ("error" in told[i]! && told[i + 1]!.connection === "failed") [told[i], told[i + 1]] = [told[i + 1]!, told[i]!];
  }
  return told;
}

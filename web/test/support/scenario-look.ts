/** What a scenario looks at: states, events, traffic, pictures. */
import { expect } from "vitest";
import { ARKIT_INDEX, type ArkitName, type Pose } from "../../src/frames.js";
import type { AvatarView, FrameRateInfo } from "../../src/index.js";
import type { VirtualClock } from "./clock.js";
import type { ScenarioLibrary } from "./scenario-library.js";
import type { ScenarioServer } from "./scenario-server.js";

const SHOWN = 0.02;

/** A view, what it told, and what it drew. */
export interface Seat {
  readonly view: AvatarView;
  readonly container: HTMLElement;
  readonly poses: Pose[];
  /** Camera and transform of each picture. */
  readonly framings: string[];
  sampleRate: number;
  events: Record<string, any>[];
  isBroken: boolean;
  lookedAt: number;
  statistics: FrameRateInfo | null;
}

/** The expectations of a world. */
export abstract class Looks {
  protected abstract readonly clock: VirtualClock;
  protected abstract readonly server: ScenarioServer;
  protected abstract readonly library: ScenarioLibrary;
  protected readonly seats = new Map<string, Seat>();
  protected readonly rounds = new Map<string, string>();

  protected seat(step: Record<string, any>): Seat {
    return this.seats.get(step.view ?? "main")!;
  }

  protected expect(key: string, wanted: any, step: Record<string, any>): void {
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
        for (const [shape, limits] of Object.entries(wanted as Record<ArkitName, [number, number]>)) {
          expectWithin(seat.poses.at(-1)!.weights[ARKIT_INDEX[shape as ArkitName]]!, limits, shape);
        }
        return;
      case "endpoint":
        return expect(this.server.attempts.at(-1)!.endpoint).toBe(wanted);
      case "renderSize":
        return expect([seat.view.renderSize.width, seat.view.renderSize.height]).toEqual(wanted);
      case "drawn": {
        const drawn = seat.poses.length - seat.lookedAt;
        seat.lookedAt = seat.poses.length;
        return expectWithin(drawn, wanted, "drawn");
      }
      case "cameraMoved":
        return expect(seat.framings.at(-1) !== seat.framings[0], "cameraMoved").toBe(wanted);
      case "statistics": {
        const told = seat.statistics;
        seat.statistics = null;
        if (wanted === null || told === null) return expect(told).toEqual(wanted);
        const known: Record<string, number> = { displayFps: told.fps, frames: told.frames, frameMsP95: told.frameMsP95 };
        for (const [name, limits] of Object.entries(wanted as Record<string, [number, number] | null>)) {
          if (limits === null) expect(known[name], name).toBeNaN();
          else expectWithin(known[name]!, limits, name);
        }
        return;
      }
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

function expectWithin(value: number, [low, high]: [number, number], name: string): void {
  expect(value, name).toBeGreaterThanOrEqual(low);
  expect(value, name).toBeLessThanOrEqual(high);
}

/** The order of `failed` and its error is free; make it one. */
function errorBehindFailed(events: readonly Record<string, any>[]): Record<string, any>[] {
  const told = [...events];
  for (let i = 0; i + 1 < told.length; i++) {
    if ("error" in told[i]! && told[i + 1]!.connection === "failed") [told[i], told[i + 1]] = [told[i + 1]!, told[i]!];
  }
  return told;
}

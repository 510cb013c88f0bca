/** What a controller measures about itself, over a scripted server in virtual time. */
import { afterEach, expect, test } from "vitest";
import type { Bundle } from "../../src/bundle/bundle.js";
import { AvatarSDK, AvatarView, type Avatar } from "../../src/index.js";
import { settle, VirtualClock } from "../support/clock.js";
import { installFakeDom } from "../support/fake-dom.js";
import { motionMessage, ScenarioServer } from "../support/scenario-server.js";

const BUNDLE = { info: { camera: { position: [0, 0, 1], target: [0, 0, 0], fov: 20 } }, meshes: [] } as unknown as Bundle;
const SOMEONE: Avatar = { id: "someone", name: "Someone", version: 1, sha256: "0".repeat(64), isFromCache: true, bundle: BUNDLE };

afterEach(() => AvatarSDK.cleanup());

test("counts rounds, bytes, starvation, stalls and gaps, each once and for as long as it lasted", async () => {
  const clock = new VirtualClock(50);
  const dom = installFakeDom(clock);
  const server = new ScenarioServer("confirm");
  await AvatarSDK.initialize("app", { endpoint: "http://server.test" });
  AvatarSDK.setSessionToken("token");
  const view = new AvatarView(SOMEONE, dom.container(), {
    clock,
    seed: 1,
    speaker: "silent",
    openSocket: server.open,
    renderer: (canvas) => ({
      canvas,
      load: () => Promise.resolve(),
      setShadowTaps: () => undefined,
      resize: () => undefined,
      draw: () => undefined,
      clipBox: () => null,
      dispose: () => undefined,
    }),
  });
  const { controller } = view;
  expect(controller.report()).toMatchObject({ firstFrameMs: null, firstMotionMs: null, rounds: 0, longestFrameGapMs: null, avOffsetMsP95: null });
  await settle();
  await clock.advance(0.2);
  await controller.start();
  const connection = server.connections[0]!;
  const second = new Uint8Array(32000).fill(1);

  // Heard to its end; 0.4 s of it before its motion, which comes late.
  const first = controller.send(second, true)!;
  await clock.advance(0.8);
  connection.push(motionMessage(first, { first: 0, count: 25, end: true }));
  await clock.advance(2);
  // Cut off, with a message of motion behind it.
  const cut = controller.send(second, true)!;
  connection.push(motionMessage(cut, { first: 0, count: 10 }));
  await clock.advance(0.3);
  controller.interrupt();
  connection.push(motionMessage(cut, { first: 10, count: 15, end: true }));
  await clock.advance(0.5);
  // Halted for half a second.
  controller.frameStarvationMode = "strictSync";
  const strict = controller.send(second, true)!;
  connection.push(motionMessage(strict, { first: 0, count: 10 }));
  await clock.advance(0.9);
  connection.push(motionMessage(strict, { first: 10, count: 15, end: true }));
  await clock.advance(1.5);
  view.pauseRendering();
  await clock.advance(3);
  view.resumeRendering();
  await clock.advance(0.2);

  const report = controller.report();
  expect(report).toMatchObject({
    rounds: 3, roundsFinished: 2, roundsInterrupted: 1, motionFrames: 75, motionFramesUnused: 15, audioBytesSent: 96000,
    starvations: 1, stalls: 1,
  });
  expect(report.firstFrameMs).toBeCloseTo(40, 0);
  expect(report.firstMotionMs).toBeCloseTo(800, 0);
  expect(report.starvedMs / 1000).toBeCloseTo(0.4, 1);
  expect(report.stalledMs / 1000).toBeCloseTo(0.5, 1);
  expect(report.longestFrameGapMs).toBeCloseTo(40, 0); // pausing is no gap
  expect(report.motionBytes).toBeGreaterThan(75 * 64);
  expect(report.motionBytesPerSecond).toBeCloseTo(report.motionBytes / 3, 5);
  view.dispose();
});

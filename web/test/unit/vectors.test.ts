/** The same motion, seed and times give the same pose as in Python: `tests/conformance/vectors`. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SilentSpeaker } from "../../src/audio/silent.js";
import { framesFromQuantised, type Pose } from "../../src/frames.js";
import { Life } from "../../src/playback/life.js";
import { Player } from "../../src/playback/player.js";
import { Random } from "../../src/playback/random.js";
import { VirtualClock } from "../support/clock.js";

const TOLERANCE = 5e-6; // float32, and six decimals in the files

function read(name: string): any {
  return JSON.parse(readFileSync(new URL(`../../../tests/conformance/vectors/${name}.json`, import.meta.url), "utf8"));
}

function expectClose(ours: ArrayLike<number>, theirs: ArrayLike<number>, what: string): void {
  let worst = 0;
  for (let i = 0; i < theirs.length; i++) worst = Math.max(worst, Math.abs(ours[i]! - theirs[i]!));
  expect(ours.length, what).toBe(theirs.length);
  expect(worst, what).toBeLessThan(TOLERANCE);
}

const numbers = (pose: Pose): number[] => [...pose.weights, ...pose.head];

function motion(first: number, count: number) {
  const weights = Uint8Array.from({ length: count * 52 }, (_, j) => (37 * (first + Math.floor(j / 52)) + 11 * (j % 52)) % 256);
  const head = Int16Array.from({ length: count * 6 }, (_, j) => ((53 * (first + Math.floor(j / 6)) + 29 * (j % 6)) % 401) - 200);
  return framesFromQuantised(weights, new Uint8Array(head.buffer), first, 25);
}

test.each(read("random").cases as any[])("random numbers of $entropy", (wanted) => {
  const random = new Random(wanted.entropy);
  const after = (count: number, draw: () => number): number => Array.from({ length: count }, draw).at(-1)!;
  expectClose([0, 1, 2, 3].map(() => random.random()), wanted.random, "random");
  expectClose([after(20000, () => random.normal()), random.normal()], wanted.normal_after_20000, "normal");
  expectClose([after(20000, () => random.exponential(2)), random.exponential(0.8)], wanted.exponential_after_20000, "exponential");
  expectClose([0, 1, 2].map(() => random.lognormal(1, 0.6)), wanted.lognormal, "lognormal");
  expectClose([0, 1, 2].map(() => random.uniform(0, 6)), wanted.uniform, "uniform");
});

test("life", () => {
  const lives = new Map<number, Life>();
  for (const { seed, t, speaking, pose } of read("life").cases) {
    if (!lives.has(seed)) lives.set(seed, new Life(seed));
    expectClose(numbers(lives.get(seed)!.pose(t, speaking)), pose, `seed ${seed} at ${t} s`);
  }
});

describe("playback", () => {
  const wanted = read("playback");
  const clock = new VirtualClock();
  const states: [number, string][] = [];
  let id = 0;
  const player = new Player({
    clock,
    speaker: new SilentSpeaker(clock, wanted.rate),
    sampleRate: wanted.rate,
    seed: wanted.seed,
    newId: () => `round ${id++}`,
    onState: (state) => states.push([Math.round(clock.now() * 1000) / 1000, state]),
  });
  const rounds = new Map<string, string>();
  const act = (step: any): void => {
    if (step.do === "speak") {
      rounds.set(step.round, player.openRound(true));
      player.pushAudio(new Int16Array(Math.round(step.seconds * wanted.rate)).fill(1), step.end);
    } else if (step.do === "motion") player.pushMotion(rounds.get(step.round)!, motion(step.first, step.count));
    else if (step.do === "endMotion") player.endMotion(rounds.get(step.round)!);
    else (player[step.do as "pause" | "resume" | "interrupt"] as () => unknown).call(player);
  };

  test("every frame and state of the script", () => {
    const steps = [...wanted.script];
    const frames = [...wanted.frames];
    for (let tick = 0; tick < 600; tick++) {
      clock.set(tick / 100);
      while (steps.length && steps[0].at <= clock.now() + 1e-9) act(steps.shift());
      player.update();
      if (tick % 4) continue;
      const frame = player.frame(clock.now() + wanted.ahead);
      const other = frames.shift();
      expect(frame.position === null, `position at ${other.t}`).toBe(other.position === null);
      if (other.position !== null) expect(frame.position).toBeCloseTo(other.position, 5);
      expectClose(numbers(frame.pose), other.pose, `frame at ${other.t} s`);
    }
    expect(frames).toEqual([]);
    expect(states).toEqual(wanted.states);
  });
});

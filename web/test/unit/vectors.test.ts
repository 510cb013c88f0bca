/** The same motion, seed and times give the same pose as in Python: `tests/conformance/vectors`. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SilentSpeaker } from "../../src/audio/silent.js";
import { framesFromQuantised, type Pose } from "../../src/frames.js";
import { Life } from "../../src/playback/life.js";
import { Player } from "../../src/playback/player.js";
import { Chance, Wander } from "../../src/playback/chance.js";
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

/** 400 ms of a square wave of 4000, then 200 ms of silence, and so on. */
function sound(seconds: number, rate: number): Int16Array {
  return Int16Array.from({ length: Math.round(seconds * rate) }, (_, i) => {
    const loud = Math.floor(i / (rate / 10)) % 6 < 4;
    return loud ? (i % 80 < 40 ? 4000 : -4000) : 0;
  });
}

function motion(first: number, count: number) {
  const weights = Uint8Array.from({ length: count * 52 }, (_, j) => (37 * (first + Math.floor(j / 52)) + 11 * (j % 52)) % 256);
  const head = Int16Array.from({ length: count * 6 }, (_, j) => ((53 * (first + Math.floor(j / 6)) + 29 * (j % 6)) % 401) - 200);
  return framesFromQuantised(weights, new Uint8Array(head.buffer), first, 25);
}

describe("randomness", () => {
  const { cases, wanderStream, wanderSpacing, wanderTimes } = read("random");
  test.each(cases as any[])("of seed $seed", (wanted) => {
    const chance = new Chance(wanted.seed);
    const each = (draw: (stream: number, index: number) => number): number[] =>
      wanted.places.map(([stream, index]: [number, number]) => draw(stream, index));
    expect(each((s, i) => chance.bits(s, i))).toEqual(wanted.bits);
    expectClose(each((s, i) => chance.uniform(s, i)), wanted.uniform, "uniform");
    expectClose(each((s, i) => chance.normal(s, i)), wanted.normal, "normal");
    expectClose(each((s, i) => chance.exponential(s, i, 2)), wanted.exponential, "exponential");
    expectClose(each((s, i) => chance.lognormal(s, i, 1.9, 0.6)), wanted.lognormal, "lognormal");
    const wander = new Wander(chance, wanderStream, wanderSpacing);
    expectClose(wanderTimes.map((t: number) => wander.at(t)), wanted.wander, "wander");
  });
});

describe("life", () => {
  const wanted = read("life");

  test("at scattered times", () => {
    const lives = new Map<number, Life>();
    for (const { seed, t, speaking, pose } of wanted.cases) {
      if (!lives.has(seed)) lives.set(seed, new Life(seed));
      expectClose(numbers(lives.get(seed)!.pose(t, speaking)), pose, `seed ${seed} at ${t} s`);
    }
  });

  test("while things happen to it", () => {
    const life = new Life(wanted.seed);
    const steps = [...wanted.script];
    const head = Float32Array.from(wanted.head);
    for (const { t, pose } of wanted.poses) {
      while (steps.length && steps[0].at <= t) {
        const { at, do: verb, active, mood, x, y } = steps.shift();
        if (verb === "speak") life.speak(at, active);
        else if (verb === "pause") life.pause(at);
        else if (verb === "lookAt") life.lookAt(at, x, y);
        else life.setMood(at, mood);
      }
      expectClose(numbers(life.pose(t, 0.5, head)), pose, `at ${t} s`);
    }
  });
});

describe("playback", () => {
  const wanted = read("playback");
  const clock = new VirtualClock();
  const time = (): number => Math.round(clock.now() * 1000) / 1000;
  const states: unknown[] = [];
  const told: unknown[] = [];
  const six = (x: number): number => Math.round(x * 1e6) / 1e6;
  let id = 0;
  const player = new Player({
    clock,
    speaker: new SilentSpeaker(clock, wanted.rate),
    sampleRate: wanted.rate,
    seed: wanted.seed,
    newId: () => `round ${id++}`,
    onState: (state) => states.push([time(), state]),
    onStarted: (round) => told.push([time(), "started", round]),
    onProgress: (round, position) => told.push([time(), "progress", round, six(position)]),
    onFinished: (round, position, interrupted) => told.push([time(), "finished", round, six(position), interrupted]),
    onStall: (stalled) => told.push([time(), "stall", stalled]),
  });
  const rounds = new Map<string, string>();
  const act = (step: any): void => {
    if (step.do === "speak") {
      rounds.set(step.round, player.openRound(true));
      player.pushAudio(sound(step.seconds, wanted.rate), step.end);
    } else if (step.do === "motion") player.pushMotion(rounds.get(step.round)!, motion(step.first, step.count));
    else if (step.do === "endMotion") player.endMotion(rounds.get(step.round)!);
    else if (step.do === "starvation") player.starvationMode = step.mode;
    else if (step.do === "mood") player.setMood(step.mood);
    else if (step.do === "lookAt") player.lookAt(step.x, step.y);
    else (player[step.do as "pause" | "resume" | "interrupt"] as () => unknown).call(player);
  };

  test("every frame and state of the script, and all that is told", () => {
    const steps = [...wanted.script];
    const frames = [...wanted.frames];
    for (let tick = 0; tick < 900; tick++) {
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
    expect(told).toEqual(wanted.told);
  });
});

/** What the page and the console compute. */
import { describe, expect, test } from "vitest";
import type { Session } from "../../console/api.js";
import { usageBy } from "../../console/usage.js";
import { Captions, pieces } from "../../src/captions.js";
import { LoudnessTrack } from "../../src/loudness.js";
import type { Job } from "../../src/make/desk.js";
import { fitted } from "../../src/make/picture.js";
import { Progress, stageText } from "../../src/make/progress.js";

describe("text for the synthesiser", () => {
  test("is cut after sentences", () => {
    expect(pieces("Hello there. How are you?  I am fine!", 400)).toEqual(["Hello there.", "How are you?", "I am fine!"]);
    expect(pieces("no full stop", 400)).toEqual(["no full stop"]);
    expect(pieces("你好。再见。", 400)).toEqual(["你好。", "再见。"]);
  });

  test("is cut at blanks where a sentence is too long, and anywhere where it has none", () => {
    const cut = pieces("one two three four five six", 10);
    expect(cut.every((piece) => piece.length <= 10)).toBe(true);
    expect(cut.join(" ")).toBe("one two three four five six");
    expect(pieces("x".repeat(25), 10)).toEqual(["x".repeat(10), "x".repeat(10), "x".repeat(5)]);
  });

  test("is nothing where there is nothing to say", () => {
    expect(pieces(" \n ... ?! ", 400)).toEqual([]);
  });
});

test("captions are shown while they are heard", () => {
  const captions = new Captions();
  captions.add({ from: 0, until: 2, text: "one" });
  captions.add({ from: 2, until: 3, text: "two" });
  expect([0, 1.99, 2, 3].map((at) => captions.at(at))).toEqual(["one", "one", "two", ""]);
  captions.clear();
  expect(captions.at(1)).toBe("");
});

test("loudness is found by position, however the samples came", () => {
  const track = new LoudnessTrack(16000);
  const samples = Int16Array.from({ length: 16000 }, (_, i) => (i < 8000 ? 0 : i % 2 ? 8192 : -8192));
  for (let at = 0; at < samples.length; at += 333) track.push(samples.subarray(at, at + 333));
  expect(track.seconds).toBeCloseTo(1);
  expect(track.at(0.25)).toBe(0);
  expect(track.at(0.75)).toBeCloseTo(1, 1);
  expect(track.at(5)).toBe(0);
  track.reset();
  expect(track.at(0.75)).toBe(0);
});

describe("usage", () => {
  const now = new Date(2026, 4, 10, 15, 30);
  const session = (began: Date, seconds: number): Session => ({
    id: "s", app_id: "a", avatar_id: "b", server: "", opened_at: 0, ended_at: null, end_reason: null,
    confirmed_at: began.getTime() / 1000, charged_s: seconds,
  });

  test("counts a session in each hour for the part that lies in it", () => {
    const hours = usageBy("hour", 3, [session(new Date(2026, 4, 10, 13, 50), 1200)], now);
    expect(hours.map(({ seconds }) => seconds)).toEqual([600, 600, 0]);
    expect(new Date(hours[2]!.from * 1000).getHours()).toBe(15);
  });

  test("counts days from midnight, leaves out what is older, and sessions that never began", () => {
    const old = session(new Date(2026, 4, 1), 50);
    const never = { ...session(now, 50), confirmed_at: null };
    const days = usageBy("day", 2, [old, never, session(new Date(2026, 4, 9, 23, 59), 120)], now);
    expect(days.map(({ seconds }) => seconds)).toEqual([60, 60]);
  });
});

describe("the making of a character", () => {
  const job: Job = { id: "j", name: "Me", status: "processing", ahead: 0, percent: 0, stage: "reading the picture", usualSeconds: 10, error: null, avatar: null };

  test("tells what is done and how long it takes yet, by the last one's time and then by its own", () => {
    const progress = new Progress();
    progress.update({ ...job, status: "queued" }, 50);
    expect([progress.share(60), progress.left(60)]).toEqual([0, ""]);
    progress.update(job, 100);
    expect(progress.left(103)).toBe("About 7 seconds left");
    progress.update({ ...job, percent: 50, stage: "cutting out" }, 110); // half as fast as the last one
    expect(progress.left(110)).toBe("About 5 seconds left");
    progress.update({ ...job, percent: 95 }, 119);
    expect(progress.left(119.8)).toBe("Almost done");
  });

  test("never goes back, and is not done before it is", () => {
    const progress = new Progress();
    progress.update(job, 0);
    const shares = [2, 5, 6, 500].map((at) => {
      if (at === 5) progress.update({ ...job, percent: 20 }, at);
      return progress.share(at);
    });
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeLessThan(100);
    expect(shares[1]).toBeGreaterThanOrEqual(20);
  });

  test("is named for people", () => {
    expect(stageText(job)).toBe("Reading the picture");
    expect(stageText({ ...job, stage: "" })).toBe("Beginning");
    expect(stageText({ ...job, status: "queued", ahead: 2 })).toBe("Waiting: 2 before yours");
    expect(stageText({ ...job, status: "queued" })).toBe("Waiting for its turn");
  });

  test("takes a photo no larger than needed", () => {
    expect(fitted(4000, 3000)).toEqual([2048, 1536]);
    expect(fitted(3000, 6000)).toEqual([1024, 2048]);
    expect(fitted(800, 600)).toEqual([800, 600]);
    expect(fitted(90_000, 3)).toEqual([2048, 1]);
  });
});

/** What the page and the console compute. */
import { describe, expect, test } from "vitest";
import type { Session } from "../../console/api.js";
import { usageBy } from "../../console/usage.js";
import { Captions, pieces } from "../../src/captions.js";
import { LoudnessTrack } from "../../src/loudness.js";

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

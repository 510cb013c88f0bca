/** The package in Chromium against a real `avatarkit serve`: what a page's users rely on. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { embeddingTests } from "./embedding.js";
import { enduranceTests } from "./endurance.js";
import { goldenTests } from "./golden.js";
import { pictureTests } from "./picture.js";
import { sessionTests } from "./session.js";
import { soundTests } from "./sound.js";
import { canRun, Stage } from "./stage.js";

const stage = new Stage();

beforeAll(async () => {
  if (canRun) await stage.open();
}, 90_000);
afterAll(() => stage.close());
beforeEach(async ({ task }) => {
  if (!canRun) return;
  if (task.result?.retryCount) await stage.reload(); // whatever the failure left behind
  await stage.reset();
});
afterEach(() => {
  if (canRun) expect(stage.problems).toEqual([]);
});

describe.skipIf(!canRun)("a picture", () => pictureTests(stage));
describe.skipIf(!canRun)("sound", () => soundTests(stage));
describe.skipIf(!canRun)("a session", () => sessionTests(stage));
describe.skipIf(!canRun)("embedding", () => embeddingTests(stage));
describe.skipIf(!canRun)("endurance", () => enduranceTests(stage));
if (canRun) describe("golden", () => goldenTests(stage));

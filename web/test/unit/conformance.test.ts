/** The scenarios that every client plays: tests/conformance/scenarios, as they are. */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { openPacketDecoder } from "../../src/audio/opus-decoder.js";
import { World, type Scenario } from "../support/scenario-world.js";

const FOLDER = new URL("../../../tests/conformance/scenarios/", import.meta.url);
/** What this client and its runner can do. */
const ABILITIES = [
  "upgradeStatus", "opus", "opusUplink", "backend", "strictSync", "reconnect", "tokenProvider", "playbackEvents", "load",
  "resume", "audioUnlock", "launch", "surface", "statistics", "rendererFaults",
]; // not: soundDevice (a browser's sound goes where the browser's goes), avatarFiles (it keeps avatars in memory)

function substitute(value: any, given: Record<string, unknown>): any {
  if (typeof value === "string" && value in given) return given[value];
  if (Array.isArray(value)) return value.map((item) => substitute(item, given));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, substitute(item, given)]));
  }
  return value;
}

function read(file: string): Scenario[] {
  const { cases, ...rest } = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));
  const name = file.replace(/\.json$/, "");
  const made = { needs: [], setup: {}, server: {}, ...rest };
  if (!cases) return [{ name, ...made }];
  return cases.map((given: any) => ({ ...substitute(made, given), name: `${name}: ${given.name}` }));
}

const scenarios = readdirSync(FOLDER).filter((file) => file.endsWith(".json")).sort().flatMap(read);

// Compiled once, so that it takes no time of a scenario.
beforeAll(async () => (await openPacketDecoder()).close());

test("there are scenarios", () => expect(scenarios.length).toBeGreaterThan(30));

for (const scenario of scenarios) {
  const missing = scenario.needs.filter((need) => !ABILITIES.includes(need));
  test.skipIf(missing.length > 0)(missing.length ? `${scenario.name} (needs ${missing.join(", ")})` : scenario.name, async () => {
    const world = new World(scenario);
    try {
      await world.play();
    } finally {
      world.end();
    }
  });
}

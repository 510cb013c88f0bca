/** Which server serves when no endpoint is given. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AvatarSDK, type Regions } from "../../src/index.js";
import { settings } from "../../src/client/sdk.js";

const REGIONS: Regions = {
  regions: { home: "https://home.test/", abroad: "https://abroad.test" },
  default: "home",
  bootstrap: "https://home.test/bootstrap",
};
const kept = new Map<string, string>();
const asked: { url: string; body: any }[] = [];
let answer: () => Response | Promise<Response>;

beforeEach(() => {
  kept.clear();
  asked.length = 0;
  answer = () => Response.json({ region: { current: "abroad" } });
  vi.stubGlobal("localStorage", { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, text: string) => kept.set(key, text) });
  vi.stubGlobal("fetch", async (url: string, { body }: { body: string }) => {
    asked.push({ url, body: JSON.parse(body) });
    return answer();
  });
});

afterEach(() => {
  AvatarSDK.cleanup();
  vi.unstubAllGlobals();
});

async function endpoint(configuration: object): Promise<string> {
  AvatarSDK.cleanup();
  await AvatarSDK.initialize("app", configuration);
  return settings().endpoint;
}

test("an endpoint wins, and a named region is not asked about", async () => {
  expect(await endpoint({ endpoint: "https://own.test", regions: REGIONS })).toBe("https://own.test");
  expect(await endpoint({ region: "abroad", regions: REGIONS })).toBe("https://abroad.test");
  expect(asked).toEqual([]);
});

test("auto asks the bootstrap route at the first visit and uses its choice at once afterwards", async () => {
  expect(await endpoint({ regions: REGIONS })).toBe("https://abroad.test");
  expect(asked).toEqual([{ url: "https://home.test/bootstrap", body: expect.objectContaining({ app_id: "app", region: "auto", platform: "web" }) }]);
  answer = () => new Promise(() => undefined); // it may hang now
  expect(await endpoint({ regions: REGIONS })).toBe("https://abroad.test");
  expect(asked).toHaveLength(2); // for the next visit
  answer = () => Response.json({ region: { current: "home" } });
  await endpoint({ regions: REGIONS });
  await vi.waitFor(() => expect(kept.get("avatarkit-region")).toBe('{"app":"home"}'));
});

test.each([
  ["cannot be reached", () => Promise.reject(new TypeError("fetch failed"))],
  ["names a region that is not ours", () => Response.json({ region: { current: "elsewhere" } })],
  ["fails", () => Response.json({ region: { current: "abroad" } }, { status: 500 })],
  ["answers nonsense", () => new Response("<html>")],
])("the default serves when the bootstrap route %s", async (_, given) => {
  answer = given;
  expect(await endpoint({ regions: REGIONS })).toBe("https://home.test");
  expect(kept.size).toBe(0);
});

test("without storage, and with a memory of nonsense, it is asked each time", async () => {
  kept.set("avatarkit-region", "{{");
  expect(await endpoint({ regions: REGIONS })).toBe("https://abroad.test");
  vi.stubGlobal("localStorage", undefined);
  expect(await endpoint({ regions: REGIONS })).toBe("https://abroad.test");
  expect(asked).toHaveLength(2);
});

test.each([
  ["an unknown region", { region: "moon", regions: REGIONS }],
  ["a region without regions", { region: "home" }],
  ["an unknown default", { regions: { regions: { home: "https://home.test" }, default: "moon" } }],
  ["no regions at all", { regions: { regions: {} } }],
  ["a region without a sound URL", { region: "home", regions: { regions: { home: "ftp://home.test" } } }],
])("refuses %s", async (_, configuration) => {
  await expect(AvatarSDK.initialize("app", configuration)).rejects.toMatchObject({ code: "configurationInvalid" });
});

test("a cleanup during the question leaves nothing in force", async () => {
  let reply = (_: Response): void => undefined;
  answer = () => new Promise<Response>((done) => (reply = done));
  const initializing = AvatarSDK.initialize("app", { regions: REGIONS });
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  AvatarSDK.cleanup();
  reply(Response.json({ region: { current: "abroad" } }));
  await expect(initializing).rejects.toMatchObject({ code: "illegalState" });
  expect(AvatarSDK.isInitialized).toBe(false);
});

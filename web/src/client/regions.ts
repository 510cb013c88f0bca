/** Which server to use when no endpoint is given: named regions, and the choice of one. */

import { error, ErrorCode } from "../errors.js";
import { log } from "../log.js";
import type { Regions } from "../types.js";
import { VERSION } from "../version.js";

const BOOTSTRAP_TIMEOUT_MS = 5000;
const MEMORY = "avatarkit-region";

/** The endpoint of a region, or of the one that suits the caller (`auto`). Rejects with `configurationInvalid`. */
export async function chooseEndpoint(given: Regions | undefined, region: string, appId: string): Promise<string> {
  const names = Object.keys(given?.regions ?? {});
  const fallback = given?.default ?? names[0];
  const wanted = region === "auto" ? fallback : region;
  if (!given || wanted === undefined || !names.includes(wanted)) {
    const known = names.length ? `, only ${names.sort().join(", ")}` : "";
    throw error(ErrorCode.configurationInvalid, `There is no region '${wanted ?? region}'${known}.`, {
      hint: "Give Configuration.regions, or an endpoint.",
    });
  }
  if (region !== "auto") return given.regions[region]!;
  const probe = async (): Promise<string | null> => {
    const advised = await askBootstrap(given.bootstrap, appId);
    if (advised === null || !names.includes(advised)) return null;
    remember(appId, advised);
    return advised;
  };
  const chosen = recall(appId);
  if (chosen !== null && names.includes(chosen)) {
    void probe(); // for the next visit
    return given.regions[chosen]!;
  }
  return given.regions[(await probe()) ?? wanted]!;
}

/** The region that the bootstrap route advises, or `null` when it cannot be asked. */
async function askBootstrap(url: string | undefined, appId: string): Promise<string | null> {
  if (url === undefined) return null;
  try {
    const body = JSON.stringify({ app_id: appId, sdk_version: VERSION, region: "auto", platform: "web" });
    // A body of plain text asks no permission of another origin beforehand.
    const reply = await fetch(url, { method: "POST", body, credentials: "omit", signal: AbortSignal.timeout(BOOTSTRAP_TIMEOUT_MS) });
    const { region } = (await reply.json()) as { region?: { current?: unknown } };
    return reply.ok && typeof region?.current === "string" ? region.current : null;
  } catch (reason) {
    log.warning("the bootstrap route could not be asked", reason);
    return null;
  }
}

function recall(appId: string): string | null {
  try {
    const known = JSON.parse(localStorage.getItem(MEMORY) ?? "{}") as Record<string, unknown>;
    return typeof known[appId] === "string" ? known[appId] : null;
  } catch {
    return null; // no storage here
  }
}

function remember(appId: string, region: string): void {
  try {
    localStorage.setItem(MEMORY, JSON.stringify({ [appId]: region }));
  } catch {
    // No storage here: the next visit asks again.
  }
}

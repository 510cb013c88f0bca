/** The console at `/console`: sign in with the admin key, then one section at a time. */

import { byId, make } from "../src/dom.js";
import { Refusal, Unreachable } from "../src/server.js";
import { AdminApi } from "./api.js";
import { apps } from "./apps.js";
import { audit } from "./audit.js";
import { avatars } from "./avatars.js";
import { overview } from "./overview.js";
import type { Desk, Section } from "./section.js";
import { sessions } from "./sessions.js";

const REFRESH_MS = 5000;

const SECTIONS: Record<string, { name: string; show: Section; lives: boolean }> = {
  overview: { name: "Overview", show: overview, lives: true },
  apps: { name: "Apps", show: apps, lives: false },
  avatars: { name: "Avatars", show: avatars, lives: false },
  sessions: { name: "Sessions", show: sessions, lives: true },
  log: { name: "Log", show: audit, lives: false },
};

const view = byId("view", HTMLElement);
const gate = byId("gate", HTMLFormElement);
const inside = byId("inside", HTMLElement);
let api: AdminApi | null = null;
let run = 0;

const chosen = (): string => (location.hash.slice(1) in SECTIONS ? location.hash.slice(1) : "overview");

function tell(reason: unknown): void {
  const box = byId("notice", HTMLElement);
  const away = reason instanceof Unreachable;
  byId("notice-title", HTMLElement).textContent = away ? "The server does not answer" : "That was not done";
  byId("notice-text", HTMLElement).textContent = away
    ? "It may have been stopped or restarted. What is shown may be out of date."
    : reason instanceof Refusal ? reason.text : String(reason);
  box.hidden = false;
}

/** Draw the chosen section; `quietly` is the regular refresh, which leaves alone what somebody is using. */
async function draw(quietly = false): Promise<void> {
  if (!api) return;
  const mine = ++run;
  const name = chosen();
  const desk: Desk = {
    api,
    refresh: () => draw(),
    attempt: async (work) => {
      try {
        byId("notice", HTMLElement).hidden = true;
        await work();
      } catch (reason) {
        tell(reason);
      }
      await draw();
    },
  };
  for (const link of byId("sections", HTMLElement).children) {
    if (link.getAttribute("href") === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const nodes = await SECTIONS[name]!.show(desk);
    if (mine !== run || (quietly && ((view !== document.activeElement && view.contains(document.activeElement)) || document.querySelector("dialog[open]")))) return;
    view.replaceChildren(...nodes);
    document.title = `${SECTIONS[name]!.name} \u00b7 AvatarKit console`;
  } catch (reason) {
    if (reason instanceof Refusal && reason.status === 401) return signOut("The admin key is not valid any more.");
    if (mine === run) tell(reason);
  }
}

function signOut(why = ""): void {
  api = null;
  run++;
  view.replaceChildren();
  inside.hidden = true;
  byId("sign-out", HTMLButtonElement).hidden = true;
  byId("gate-error", HTMLElement).textContent = why;
  gate.hidden = false;
  byId("admin-key", HTMLInputElement).focus();
}

gate.onsubmit = async (event) => {
  event.preventDefault();
  const input = byId("admin-key", HTMLInputElement);
  const error = byId("gate-error", HTMLElement);
  const go = byId("gate-go", HTMLButtonElement);
  error.textContent = "";
  go.disabled = true;
  try {
    const candidate = new AdminApi(input.value.trim());
    await candidate.apps();
    api = candidate;
    input.value = "";
    gate.hidden = true;
    inside.hidden = false;
    byId("sign-out", HTMLButtonElement).hidden = false;
    await draw();
    view.focus({ preventScroll: true });
  } catch (reason) {
    error.textContent = reason instanceof Unreachable ? "The server does not answer." : reason instanceof Refusal && reason.status === 401 ? "That is not this server's admin key." : reason instanceof Refusal ? reason.text : String(reason);
  } finally {
    go.disabled = false;
  }
};

byId("sections", HTMLElement).append(...Object.entries(SECTIONS).map(([id, { name }]) => make("a", { href: `#${id}`, className: "quiet" }, name)));
byId("sign-out", HTMLButtonElement).onclick = () => signOut();
byId("notice-close", HTMLButtonElement).onclick = () => (byId("notice", HTMLElement).hidden = true);
addEventListener("hashchange", () => {
  byId("notice", HTMLElement).hidden = true;
  void draw();
});
setInterval(() => {
  if (api && !document.hidden && SECTIONS[chosen()]!.lives) void draw(true);
}, REFRESH_MS);

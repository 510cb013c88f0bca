/** Apps, their quotas and their keys. */

import { make } from "../src/dom.js";
import type { App, Key, Quotas } from "./api.js";
import { button, dialog, head, pill, showSecret, span, table, when } from "./parts.js";
import type { Desk } from "./section.js";

const QUOTAS: Record<keyof Quotas, string> = {
  max_sessions: "Sessions at the same time",
  max_session_s: "Longest session, seconds",
  credit_limit_s: "Seconds of sessions in all",
  max_creations: "Avatars made in all",
};

export async function apps(desk: Desk): Promise<Node[]> {
  const listed = await desk.api.apps();
  const known = await Promise.all(listed.map(async ({ id }) => [await desk.api.app(id), await desk.api.keys(id)] as const));
  return [head("Apps", button("New app", () => create(desk), "primary")), ...known.map(([app, keys]) => card(app, keys, desk))];
}

function card(app: App, keys: readonly Key[], desk: Desk): HTMLElement {
  const { usage, quotas } = app;
  const limit = (value: number | null, show: (x: number) => string): string => (value === null ? "" : ` of ${show(value)}`);
  const fact = (value: string, name: string): HTMLElement => make("span", {}, make("strong", {}, value), ` ${name}`);
  return make("section", { className: "card box", aria: { label: app.name } },
    make("div", { className: "head" },
      make("h2", {}, app.name),
      app.disabled_at === null ? pill("enabled", "good") : pill("disabled", "bad"),
      make("div", { className: "actions" },
        button("New key", () => createKey(app, desk), "small-button", `New key for ${app.name}`),
        button("Quotas", () => changeQuotas(app, desk), "small-button", `Quotas of ${app.name}`),
        button(app.disabled_at === null ? "Disable" : "Enable", () => toggle(app, desk), "small-button", `${app.disabled_at === null ? "Disable" : "Enable"} ${app.name}`),
      ),
    ),
    make("p", { className: "app-facts" },
      make("span", {}, make("code", {}, app.id)),
      fact(String(usage?.open_sessions ?? 0) + limit(quotas.max_sessions, String), "sessions open"),
      fact(span(usage?.credit_used_s ?? 0) + limit(quotas.credit_limit_s, span), "used"),
      ...(quotas.max_session_s === null ? [] : [fact(span(quotas.max_session_s), "a session at most")]),
      make("span", {}, `since ${when(app.created_at)}`),
    ),
    table(`Keys of ${app.name}`, ["Key", "Name", "For", "Made", "Last used", ""], keys.map((key) => [
      make("code", {}, `${key.prefix}\u2026`),
      key.name || "\u2013",
      key.scopes.join(", "),
      when(key.created_at),
      when(key.last_used_at),
      key.revoked_at === null ? button("Revoke", () => revoke(key, desk), "small-button risky", `Revoke ${key.prefix}`) : pill("revoked", "bad"),
    ]), "No keys."),
  );
}

async function create(desk: Desk): Promise<void> {
  const given = await dialog("New app", [], "Create", [{ name: "name", label: "Name", required: true }]);
  if (!given) return;
  await desk.attempt(async () => {
    const app = await desk.api.createApp(given.name!.value.trim());
    await showSecret(`The API key of ${app.name}`, app.api_key);
  });
}

async function createKey(app: App, desk: Desk): Promise<void> {
  const given = await dialog(`New key for ${app.name}`, [], "Create", [{ name: "name", label: "Name, such as the machine it is for" }]);
  if (!given) return;
  await desk.attempt(async () => {
    await showSecret(`An API key of ${app.name}`, (await desk.api.createKey(app.id, given.name!.value.trim())).api_key);
  });
}

async function revoke(key: Key, desk: Desk): Promise<void> {
  const text = "Whoever uses it is locked out at once, and so are the session tokens that it bought. It cannot be taken back.";
  if (await dialog(`Revoke ${key.prefix}?`, [make("p", {}, text)], "Revoke")) await desk.attempt(() => desk.api.revokeKey(key.prefix));
}

async function toggle(app: App, desk: Desk): Promise<void> {
  const disabled = app.disabled_at === null;
  if (disabled && !(await dialog(`Disable ${app.name}?`, [make("p", {}, "Its open sessions end, and no new ones begin.")], "Disable"))) return;
  await desk.attempt(() => desk.api.changeApp(app.id, { disabled }));
}

async function changeQuotas(app: App, desk: Desk): Promise<void> {
  const names = Object.keys(QUOTAS) as (keyof Quotas)[];
  const fields = names.map((name) => ({ name, label: QUOTAS[name], type: "number" as const, value: app.quotas[name]?.toString() ?? "" }));
  const given = await dialog(`Quotas of ${app.name}`, [make("p", { className: "hint" }, "An empty field is the server's own limit.")], "Save", fields);
  if (!given) return;
  const number = (text: string): number | null => (text.trim() === "" ? null : Number(text));
  const quotas = Object.fromEntries(names.map((name) => [name, number(given[name]!.value)])) as unknown as Quotas;
  await desk.attempt(() => desk.api.changeApp(app.id, { quotas }));
}

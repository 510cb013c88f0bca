/** How much is going on. */

import { make } from "../src/dom.js";
import { MAX_SESSIONS } from "./api.js";
import { barChart } from "./chart.js";
import { head, span } from "./parts.js";
import type { Desk } from "./section.js";
import { sessionTable } from "./sessions.js";
import { usageBy } from "./usage.js";

let shown: "hour" | "day" = "hour";

export async function overview(desk: Desk): Promise<Node[]> {
  const [sessions, apps, avatars] = await Promise.all([desk.api.sessions(), desk.api.apps(), desk.api.avatars()]);
  const now = new Date();
  const open = sessions.filter(({ ended_at }) => ended_at === null);
  const today = usageBy("day", 1, sessions, now)[0]!.seconds;
  const tile = (name: string, value: string, more = ""): HTMLElement =>
    make("div", { className: "card tile" }, make("dt", {}, name), make("dd", {}, value, ...(more ? [make("small", {}, ` ${more}`)] : [])));
  const spoken = span(today).split(" ");
  const usage = make("div", { className: "chart-place" });
  const draw = (): void => {
    const byHour = shown === "hour";
    const buckets = usageBy(shown, byHour ? 24 : 14, sessions, now);
    const name = (from: number): string => new Date(from * 1000).toLocaleString(undefined, byHour ? { hour: "2-digit" } : { day: "numeric", month: "short" });
    usage.replaceChildren(barChart(buckets, ({ from }) => name(from)));
  };
  const choice = make("div", { className: "choice", role: "group", aria: { label: "Span of the chart" } });
  for (const [kind, label] of [["hour", "24 hours"], ["day", "14 days"]] as const) {
    const button = make("button", { type: "button", aria: { pressed: String(shown === kind) } }, label);
    button.onclick = () => {
      shown = kind;
      for (const other of choice.children) other.setAttribute("aria-pressed", String(other === button));
      draw();
    };
    choice.append(button);
  }
  draw();
  const partial = sessions.length >= MAX_SESSIONS ? [make("p", { className: "hint" }, `Of the newest ${MAX_SESSIONS} sessions.`)] : [];
  return [
    head("Overview"),
    make("dl", { className: "tiles" },
      tile("Open sessions", String(open.length)),
      tile("In session today", spoken[0]!, spoken[1]),
      tile("Apps", String(apps.filter(({ disabled_at }) => disabled_at === null).length), apps.some(({ disabled_at }) => disabled_at !== null) ? "enabled" : ""),
      tile("Avatars", String(avatars.filter(({ state }) => state === "published").length), "published"),
    ),
    make("section", { className: "card box" }, make("div", { className: "head" }, make("h2", {}, "Usage"), choice), usage, ...partial),
    make("section", { className: "card box" }, make("div", { className: "head" }, make("h2", {}, "Newest sessions")), sessionTable(sessions.slice(0, 8), desk)),
  ];
}

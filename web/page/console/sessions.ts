/** Who is connected, and who was. */

import { make } from "../src/dom.js";
import type { Session } from "./api.js";
import { button, dialog, head, pill, span, table, when } from "./parts.js";
import type { Desk } from "./section.js";

let onlyOpen = false;

export async function sessions(desk: Desk): Promise<Node[]> {
  const found = await desk.api.sessions(onlyOpen, 200);
  const filter = make("input", { type: "checkbox", checked: onlyOpen });
  filter.onchange = () => {
    onlyOpen = filter.checked;
    void desk.refresh();
  };
  return [
    head("Sessions", make("label", { className: "check" }, filter, "Open ones only")),
    make("div", { className: "card box" }, sessionTable(found, desk)),
  ];
}

/** A table of sessions, with a button to end those that are open. */
export function sessionTable(found: readonly Session[], desk: Desk): HTMLElement {
  const rows = found.map((session) => [
    session.ended_at === null ? pill("open", "good") : pill(session.end_reason ?? "ended"),
    make("code", {}, session.app_id),
    session.avatar_id,
    when(session.opened_at),
    session.confirmed_at === null ? "\u2013" : span(session.charged_s),
    session.ended_at === null ? button("End", () => end(session, desk), "small-button risky", `End the session of ${session.app_id}`) : "",
  ]);
  return table("Sessions", ["State", "App", "Avatar", "Opened", "Charged#", ""], rows, "No sessions yet. Open the page and speak.");
}

async function end(session: Session, desk: Desk): Promise<void> {
  if (!(await dialog("End this session?", [make("p", {}, "Its client is told and may connect again.")], "End it"))) return;
  await desk.attempt(() => desk.api.endSession(session.id));
}

/** Who changed what. */

import { make } from "../src/dom.js";
import { head, table, when } from "./parts.js";
import type { Desk } from "./section.js";

export async function audit(desk: Desk): Promise<Node[]> {
  const rows = (await desk.api.audit()).map((entry) => [
    when(entry.at),
    entry.actor,
    make("code", {}, entry.action),
    make("code", {}, entry.target),
    Object.entries(entry.detail).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(", "),
  ]);
  return [head("Log"), make("div", { className: "card box" }, table("Log", ["When", "Who", "What", "Of", "Detail"], rows, "Nothing was changed yet."))];
}

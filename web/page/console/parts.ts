/** What the console's sections are made of. */

import { byId, make } from "../src/dom.js";

export const when = (seconds: number | null): string =>
  seconds === null ? "\u2013" : new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A length of time in its largest sensible unit. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(seconds < 600 ? 1 : 0)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function head(title: string, ...actions: Node[]): HTMLElement {
  return make("div", { className: "head" }, make("h1", {}, title), ...actions);
}

/** A button that is off while what it does is under way. */
export function button(label: string, run: () => Promise<void> | void, className = "small-button", name = label): HTMLButtonElement {
  const made = make("button", { type: "button", className, aria: { label: name } }, label);
  made.onclick = async () => {
    made.disabled = true;
    try {
      await run();
    } finally {
      made.disabled = false;
    }
  };
  return made;
}

export function pill(text: string, kind: "" | "good" | "bad" = ""): HTMLElement {
  return make("span", { className: `pill ${kind}` }, text);
}

/** A table; cells are text or nodes, columns that end in `#` hold numbers. */
export function table(caption: string, columns: readonly string[], rows: readonly (readonly (Node | string)[])[], empty: string): HTMLElement {
  if (!rows.length) return make("p", { className: "empty" }, empty);
  const numbers = columns.map((column) => column.endsWith("#"));
  const headings = columns.map((column, i) => {
    const cell = make("th", { scope: "col", className: numbers[i] ? "number" : "" }, column.replace(/#$/, ""));
    if (!column) cell.append(make("span", { className: "visually-hidden" }, "Actions"));
    return cell;
  });
  const body = rows.map((row) =>
    make("tr", {}, ...row.map((cell, i) => make("td", { className: numbers[i] ? "number" : columns[i] ? "" : "act" }, cell))),
  );
  return make(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", aria: { label: caption } },
    make("table", {}, make("caption", { className: "visually-hidden" }, caption), make("thead", {}, make("tr", {}, ...headings)), make("tbody", {}, ...body)),
  );
}

/** A field of a dialog. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly type?: "text" | "number" | "file";
  readonly required?: boolean;
  readonly pattern?: string;
  readonly accept?: string;
}

/** Ask in a dialog; the inputs by name when it was confirmed, else `null`. */
export function dialog(
  title: string,
  content: readonly (Node | string)[],
  go: string,
  fields: readonly Field[] = [],
): Promise<Record<string, HTMLInputElement> | null> {
  const box = byId("ask", HTMLDialogElement);
  const inputs: Record<string, HTMLInputElement> = {};
  const rows = fields.map(({ name, label, ...rest }) => {
    const input = make("input", { id: `ask-${name}`, type: "text", autocomplete: "off", ...rest });
    if (rest.type === "number") input.min = "0";
    inputs[name] = input;
    return make("div", { className: "field" }, make("label", { htmlFor: input.id }, label), input);
  });
  const cancel = make("button", { type: "button", className: "plain", onclick: () => box.close() }, "Cancel");
  const form = make("form", { method: "dialog" }, make("h2", { id: "ask-title" }, title), ...content, ...rows,
    make("div", { className: "buttons" }, ...(go === "Done" ? [] : [cancel]), make("button", { className: "primary", type: "submit" }, go)));
  box.replaceChildren(form);
  box.showModal();
  return new Promise((done) => {
    let confirmed = false;
    form.onsubmit = () => void (confirmed = true);
    box.onclose = () => {
      box.replaceChildren();
      done(confirmed ? inputs : null);
    };
  });
}

/** Show a secret that is shown once. */
export async function showSecret(title: string, secret: string): Promise<void> {
  await dialog(title, [make("p", {}, "Copy it now: it is shown this once, and kept here as a hash only."), make("code", { className: "secret" }, secret)], "Done");
}

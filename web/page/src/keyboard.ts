/** Single-key shortcuts. They can be switched off, and never act while something is typed. */

import { byId } from "./dom.js";

const STORED = "avatarkit.shortcuts";

/** What each key does, by its lower-case name. */
export function openShortcuts(actions: Record<string, () => void>): void {
  const dialog = byId("shortcuts", HTMLDialogElement);
  const toggle = byId("shortcuts-on", HTMLInputElement);
  toggle.checked = localStorage.getItem(STORED) !== "off";
  toggle.onchange = () => localStorage.setItem(STORED, toggle.checked ? "on" : "off");
  byId("shortcuts-open", HTMLButtonElement).onclick = () => dialog.showModal();
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return actions.escape?.();
    if (!toggle.checked || isTyped(event.target)) return;
    if (event.key === "?") return dialog.showModal();
    const action = actions[event.key.toLowerCase()];
    if (!action || event.repeat) return;
    event.preventDefault();
    action();
  });
}

function isTyped(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches('textarea, select, input:not([type="range"], [type="checkbox"], [type="radio"])');
}

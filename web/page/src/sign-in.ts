/** The dialog in which a visitor signs in. */

import type { Access } from "./access.js";
import { byId } from "./dom.js";
import { explain } from "./notices.js";
import { Refusal } from "./server.js";

/** Ask until the visitor is signed in. */
export function signIn(access: Access): Promise<void> {
  const dialog = byId("sign-in", HTMLDialogElement);
  const error = byId("sign-in-error", HTMLElement);
  const go = byId("sign-in-go", HTMLButtonElement);
  byId("sign-in-url", HTMLElement).textContent = location.origin;
  dialog.oncancel = (event) => event.preventDefault(); // there is nothing behind it yet
  dialog.showModal();
  return new Promise((done) => {
    byId("sign-in-form", HTMLFormElement).onsubmit = async (event) => {
      event.preventDefault();
      error.textContent = "";
      go.disabled = true;
      try {
        await access.signIn(byId("app-id", HTMLInputElement).value.trim(), byId("token", HTMLInputElement).value.trim());
        byId("token", HTMLInputElement).value = "";
        dialog.close();
        done();
      } catch (reason) {
        error.textContent = reason instanceof Refusal ? reason.text : explain(reason).title + ".";
      } finally {
        go.disabled = false;
      }
    };
  });
}

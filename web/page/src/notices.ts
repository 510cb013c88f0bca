/** Says what went wrong and what to do about it, in a visitor's words. */

import { AvatarError } from "@avatarkit/web";
import { byId } from "./dom.js";
import { Refusal, Unreachable } from "./server.js";

/** A message to the visitor. */
export interface Notice {
  readonly title: string;
  readonly text: string;
}

const AWAY: Notice = {
  title: "The server does not answer",
  text: "It may have been stopped or restarted. The face lives on here; once the server is back, speaking connects again.",
};

const BUSY: Notice = { title: "The server did not open a session in time", text: "It may be busy. Try again in a moment." };

const BY_CODE: Record<string, Notice> = {
  sessionTokenInvalid: { title: "The session token is not valid", text: "Get a new one and sign in again: reload this page." },
  sessionTokenExpired: { title: "The session token has expired", text: "Get a new one and sign in again: reload this page." },
  appIDUnrecognized: { title: "The server does not know this app", text: "Check the App ID: reload this page to sign in again." },
  avatarIDUnrecognized: { title: "This character is gone", text: "Somebody has withdrawn it. Choose another, or reload the page." },
  insufficientBalance: { title: "The app has no credits left", text: "Whoever runs the server can raise its quota in the console." },
  concurrentLimitExceeded: { title: "All places are taken", text: "Other sessions of this app are open. Close them, or try again in a moment." },
  playbackInitFailed: {
    title: "This browser cannot show or play it",
    text: "The page needs WebGL2 and Web Audio, on https or on localhost. Try a current browser, with hardware acceleration on.",
  },
  audioContextNotInitialized: { title: "The browser holds the sound back", text: "Press Speak once more: sound begins only after a click." },
  websocketError: AWAY,
  websocketClosedAbnormally: AWAY,
  websocketClosedUnexpected: { title: "The server closed the session", text: "Speaking opens a new one." },
  sessionTimeout: { title: "The session has ended", text: "It had lasted as long as it may. Speaking opens a new one." },
  failedToFetchAvatarMetadata: AWAY,
  failedToDownloadAvatarAssets: { title: "The character could not be loaded", text: "The download broke off. Choose it again." },
};

/** The message for a failure. */
export function explain(reason: unknown): Notice {
  if (reason instanceof AvatarError) {
    if (reason.code === "sessionTimeout" && reason.phase === "connect") return BUSY;
    return BY_CODE[reason.code] ?? { title: reason.message, text: reason.hint };
  }
  if (reason instanceof Unreachable) return AWAY;
  if (reason instanceof Refusal) {
    if (reason.status === 429) return { title: "That was a little fast", text: reason.text || "Wait a moment and try again." };
    return { title: "The server said no", text: reason.text || `It answered with status ${reason.status}.` };
  }
  return { title: "Something went wrong", text: reason instanceof Error ? reason.message : String(reason) };
}

/** The page's place for messages; one at a time, read out by screen readers. */
export class Notices {
  private readonly box = byId("notice", HTMLElement);
  private readonly action = byId("notice-action", HTMLButtonElement);

  constructor() {
    byId("notice-close", HTMLButtonElement).onclick = () => this.clear();
  }

  /** Show a message, with something to do about it. */
  show({ title, text }: Notice, action?: { label: string; run: () => void }): void {
    byId("notice-title", HTMLElement).textContent = title;
    byId("notice-text", HTMLElement).textContent = text;
    this.action.hidden = !action;
    if (action) {
      this.action.textContent = action.label;
      this.action.onclick = () => {
        this.clear();
        action.run();
      };
    }
    this.box.hidden = false;
    this.box.scrollIntoView?.({ block: "nearest" });
  }

  /** Show why something failed. */
  fail(reason: unknown, action?: { label: string; run: () => void }): void {
    this.show(explain(reason), action);
  }

  clear(): void {
    this.box.hidden = true;
  }
}

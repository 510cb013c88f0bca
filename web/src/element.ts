/**
 * `<avatar-kit>`: the whole lifecycle as an element. Importing this file defines it.
 *
 * ```html
 * <avatar-kit endpoint="https://avatars.example.com" app-id="app_..." avatar="default"
 *             token-url="/avatar-token"></avatar-kit>
 * ```
 *
 * @packageDocumentation
 */

import { AvatarManager } from "./client/manager.js";
import { AvatarSDK } from "./client/sdk.js";
import { AvatarView } from "./client/view.js";
import type { AvatarController } from "./client/controller.js";
import { AvatarError, error, ErrorCode } from "./errors.js";
import { log } from "./log.js";
import type { Configuration } from "./types.js";

const WATCHED = ["endpoint", "app-id", "avatar"];

/**
 * Attributes: `endpoint` (default: the page's origin), `app-id`, `avatar` (an avatar's id), `token-url` (where
 * {@link connect} fetches the session token: JSON with `sessionToken`), `worklet-url`.
 *
 * Events, all bubbling: `avatarready` (first frame), `avatarprogress` (detail: `LoadProgress`),
 * `avatarerror` (detail: {@link AvatarError}), `avatarconnection` and `avatarconversation` (detail: the state).
 */
export class AvatarKitElement extends HTMLElement {
  static readonly observedAttributes = WATCHED;

  /** The view, once the avatar is loaded. */
  view: AvatarView | null = null;
  private readonly stage: HTMLDivElement;
  private run = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    this.stage = document.createElement("div");
    this.stage.part.add("stage");
    this.stage.style.cssText = "width:100%;height:100%;min-height:1px";
    root.append(this.stage);
  }

  /** The controller, once the avatar is loaded. */
  get controller(): AvatarController | null {
    return this.view?.controller ?? null;
  }

  connectedCallback(): void {
    if (!this.style.display && getComputedStyle(this).display === "inline") this.style.display = "block";
    void this.mount();
  }

  disconnectedCallback(): void {
    this.unmount();
  }

  attributeChangedCallback(_: string, before: string | null, now: string | null): void {
    if (this.isConnected && before !== now) void this.mount();
  }

  /**
   * Unlock sound and open a session, with a token from `token-url` unless one is set. Call it in a gesture.
   * Rejects as the steps do.
   */
  async connect(): Promise<void> {
    const { controller } = this;
    if (!controller) {
      throw error(ErrorCode.illegalState, "The avatar is not loaded yet. Legal now: waiting for 'avatarready'.", { phase: "connect" });
    }
    await controller.initializeAudioContext(); // first, while the gesture counts
    const url = this.getAttribute("token-url");
    if (url) AvatarSDK.setSessionToken(await fetchToken(url));
    await controller.start();
  }

  private async mount(): Promise<void> {
    this.unmount();
    const run = this.run;
    const avatarId = this.getAttribute("avatar");
    const appId = this.getAttribute("app-id");
    if (!avatarId || !appId) return;
    try {
      await AvatarSDK.initialize(appId, this.configuration());
      const avatar = await AvatarManager.shared.load(avatarId, (progress) => this.fire("avatarprogress", progress));
      if (run !== this.run) return; // removed or changed meanwhile
      const view = new AvatarView(avatar, this.stage);
      this.view = view;
      view.onFirstRendering = () => this.fire("avatarready", avatar);
      view.controller.onError = (reason) => this.fire("avatarerror", reason);
      view.controller.onConnectionState = (state) => this.fire("avatarconnection", state);
      view.controller.onConversationState = (state) => this.fire("avatarconversation", state);
    } catch (reason) {
      if (run !== this.run) return;
      if (!(reason instanceof AvatarError)) log.error("<avatar-kit> failed", reason);
      this.fire("avatarerror", reason);
    }
  }

  private unmount(): void {
    this.run++;
    this.view?.dispose();
    this.view = null;
  }

  private configuration(): Configuration {
    const endpoint = this.getAttribute("endpoint");
    const audioWorkletUrl = this.getAttribute("worklet-url");
    return { ...(endpoint && { endpoint }), ...(audioWorkletUrl && { audioWorkletUrl }) };
  }

  private fire(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }
}

/** Ask the app's backend for a session token: JSON with `sessionToken`, or `session_token`. */
async function fetchToken(url: string): Promise<string> {
  let token: unknown;
  try {
    const reply = await fetch(url, { method: "POST", headers: { Accept: "application/json" } });
    const body = (await reply.json()) as Record<string, unknown>;
    token = body.sessionToken ?? body.session_token;
  } catch {
    // Told below.
  }
  if (typeof token !== "string" || !token) {
    throw error(ErrorCode.sessionTokenInvalid, "The token URL gave no session token.", { phase: "authenticate" });
  }
  return token;
}

if (!customElements.get("avatar-kit")) customElements.define("avatar-kit", AvatarKitElement);

declare global {
  interface HTMLElementTagNameMap {
    "avatar-kit": AvatarKitElement;
  }
}

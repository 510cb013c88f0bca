/** Credentials: those of the demo app for guests, else what the visitor signs in with. They stay in memory. */

import { ask, post, Refusal, type Listed } from "./server.js";

const EARLY_S = 60;

interface Session {
  readonly appId: string;
  readonly sessionToken: string;
  /** Unix seconds; `Infinity` when only the server knows. */
  readonly expireAt: number;
  readonly avatars: Listed[];
  readonly guest: boolean;
}

/** Who the visitor is to the server. */
export class Access {
  private session: Session | null = null;

  /** Be a guest; `false` where the server wants a sign-in. Rejects as `ask` does otherwise. */
  async enter(): Promise<boolean> {
    try {
      const reply = await post("/v1/page/session", {});
      this.session = { ...((await reply.json()) as Omit<Session, "guest">), guest: true };
      return true;
    } catch (reason) {
      if (reason instanceof Refusal && reason.code === "signInNeeded") return false;
      throw reason;
    }
  }

  /** Sign in. Rejects with a `Refusal` that says what is wrong. */
  async signIn(appId: string, sessionToken: string): Promise<void> {
    const reply = await ask("/v1/client/avatars", { headers: { "X-App-ID": appId } });
    const { avatars } = (await reply.json()) as { avatars: Listed[] };
    const first = avatars[0];
    if (!first) throw new Refusal(404, "noAvatar", "This app may use no avatar yet.");
    await ask(`/v1/client/session?id=${encodeURIComponent(first.id)}`, { headers: { "X-App-ID": appId, "X-Session-Key": sessionToken } });
    this.session = { appId, sessionToken, expireAt: Infinity, avatars, guest: false };
  }

  get appId(): string {
    return this.open.appId;
  }

  get avatars(): readonly Listed[] {
    return this.open.avatars;
  }

  /** A token that lives a while yet. */
  async token(): Promise<string> {
    const { guest, expireAt } = this.open;
    if (guest && expireAt - Date.now() / 1000 < EARLY_S) await this.enter();
    return this.open.sessionToken;
  }

  /** Headers that prove a right to the page's routes. */
  async headers(): Promise<Record<string, string>> {
    return { "X-App-ID": this.appId, "X-Session-Key": await this.token() };
  }

  private get open(): Session {
    if (!this.session) throw new Error("nobody has signed in yet");
    return this.session;
  }
}

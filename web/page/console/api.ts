/** The admin API of this server, as far as the console uses it. The key is kept in memory only. */

import { ask, post } from "../src/server.js";

export interface Quotas {
  max_sessions: number | null;
  max_session_s: number | null;
  credit_limit_s: number | null;
  max_creations: number | null;
}

export interface App {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly disabled_at: number | null;
  readonly quotas: Quotas;
  readonly usage?: { readonly open_sessions: number; readonly credit_used_s: number; readonly creations: number };
}

export interface Key {
  readonly prefix: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly created_at: number;
  readonly last_used_at: number | null;
  readonly revoked_at: number | null;
}

export interface Avatar {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly size: number;
  readonly coverUrl: string;
  readonly license?: string;
  readonly author?: string;
  readonly state: "draft" | "published" | "withdrawn";
  readonly visibility: "everyone" | "granted";
  readonly owner: string | null;
}

/** Times in Unix seconds. */
export interface Session {
  readonly id: string;
  readonly app_id: string;
  readonly avatar_id: string;
  readonly server: string;
  readonly opened_at: number;
  readonly confirmed_at: number | null;
  readonly ended_at: number | null;
  readonly charged_s: number;
  readonly end_reason: string | null;
}

export interface Entry {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: Record<string, unknown>;
}

/** Most sessions that one answer holds. */
export const MAX_SESSIONS = 1000;

/** Every call rejects with `Refusal` or `Unreachable`. */
export class AdminApi {
  constructor(private readonly key: string) {}

  apps = async (): Promise<App[]> => (await this.get<{ apps: App[] }>("/apps")).apps;
  app = (id: string): Promise<App> => this.get(`/apps/${id}`);
  createApp = (name: string): Promise<App & { api_key: string }> => this.send("POST", "/apps", { name });
  changeApp = (id: string, change: { disabled?: boolean; quotas?: Quotas }): Promise<App> => this.send("PATCH", `/apps/${id}`, change);
  keys = async (id: string): Promise<Key[]> => (await this.get<{ keys: Key[] }>(`/apps/${id}/keys`)).keys;
  createKey = (id: string, name: string): Promise<{ api_key: string }> => this.send("POST", `/apps/${id}/keys`, name ? { name } : {});
  revokeKey = (prefix: string): Promise<void> => this.drop(`/keys/${prefix}`);
  avatars = async (): Promise<Avatar[]> => (await this.get<{ avatars: Avatar[] }>("/avatars")).avatars;
  changeAvatar = (id: string, change: { state: string }): Promise<Avatar> => this.send("PATCH", `/avatars/${id}`, change);
  deleteAvatar = (id: string): Promise<void> => this.drop(`/avatars/${id}`);
  sessions = async (open = false, count = MAX_SESSIONS): Promise<Session[]> =>
    (await this.get<{ sessions: Session[] }>(`/sessions?open=${open}&count=${count}`)).sessions;
  endSession = (id: string): Promise<void> => this.drop(`/sessions/${id}`);
  audit = async (): Promise<Entry[]> => (await this.get<{ entries: Entry[] }>("/audit?count=200")).entries;

  async uploadAvatar(id: string, file: Blob): Promise<void> {
    await ask(`/v1/admin/avatars/${encodeURIComponent(id)}`, {
      method: "PUT",
      body: file,
      headers: { ...this.headers, "Content-Type": "model/gltf-binary" },
    });
  }

  private get headers(): Record<string, string> {
    return { "X-Admin-Key": this.key };
  }

  private async get<T>(path: string): Promise<T> {
    return (await (await ask(`/v1/admin${path}`, { headers: this.headers })).json()) as T;
  }

  private async send<T>(method: "POST" | "PATCH", path: string, body: object): Promise<T> {
    if (method === "POST") return (await (await post(`/v1/admin${path}`, body, this.headers)).json()) as T;
    const init = { method, body: JSON.stringify(body), headers: { ...this.headers, "Content-Type": "application/json" } };
    return (await (await ask(`/v1/admin${path}`, init)).json()) as T;
  }

  private async drop(path: string): Promise<void> {
    await ask(`/v1/admin${path}`, { method: "DELETE", headers: this.headers });
  }
}

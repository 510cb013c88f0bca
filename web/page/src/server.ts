/** What the page asks of its own server over HTTP. */

/** An answer other than success; `text` is the server's own sentence. */
export class Refusal extends Error {
  override readonly name = "Refusal";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly text: string,
  ) {
    super(text);
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** An avatar of the server's library, as far as the page shows it. */
export interface Listed {
  readonly id: string;
  readonly name: string;
  readonly coverUrl: string;
}

/** A voice of the server's synthesisers. */
export interface Voice {
  readonly id: string;
  readonly language: string;
  readonly name: string;
}

/** Fetch from the same origin. Rejects with {@link Refusal} or {@link Unreachable}. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let reply: Response;
  try {
    reply = await fetch(path, init);
  } catch {
    throw new Unreachable("the server does not answer");
  }
  if (reply.ok) return reply;
  const body = (await reply.json().catch(() => null)) as { errors?: { code?: string; detail?: string; title?: string }[]; message?: string } | null;
  const problem = body?.errors?.[0];
  throw new Refusal(reply.status, problem?.code ?? "", problem?.detail ?? problem?.title ?? body?.message ?? "");
}

/** Ask with a JSON body. */
export function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });
}

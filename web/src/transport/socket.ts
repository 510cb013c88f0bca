/** The WebSocket that carries a session, as far as it is used; tests bring their own. */
export interface Socket {
  readonly bufferedAmount: number;
  send(data: Uint8Array): void;
  close(code?: number): void;
}

/** What a socket tells. After `onClose` nothing follows. */
export interface SocketListener {
  onOpen(): void;
  onBytes(bytes: Uint8Array): void;
  onText(text: string): void;
  /** The server answered the upgrade with an HTTP status instead; instead of `onClose`. */
  onRefused(status: number, body: string): void;
  /** 1006 when the connection was lost, or the server could not be reached. */
  onClose(code: number, reason: string): void;
}

export type OpenSocket = (target: Target, listener: SocketListener) => Socket;

/** Everything that a server needs to admit a session. */
export interface Target {
  readonly endpoint: string;
  readonly avatarId: string;
  readonly appId: string;
  readonly sessionToken: string;
}

/** The Motion Server's address. Browsers can set no header on a WebSocket, so credentials ride in the query. */
export function socketUrl({ endpoint, avatarId, appId, sessionToken }: Target): string {
  const query = new URLSearchParams({ id: avatarId, appId, sessionKey: sessionToken });
  return `${endpoint.replace(/^http/, "ws")}/v2/driveningress/websocket?${query.toString()}`;
}

/** Open the browser's WebSocket. */
export const openWebSocket: OpenSocket = (target, listener) => {
  const socket = new WebSocket(socketUrl(target));
  let opened = false;
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    opened = true;
    listener.onOpen();
  };
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data === "string") listener.onText(data);
    else listener.onBytes(new Uint8Array(data));
  };
  socket.onclose = ({ code, reason }) => {
    if (opened || code !== 1006) return listener.onClose(code, reason);
    void askForRefusal(target).then((refusal) => {
      if (refusal) listener.onRefused(refusal.status, refusal.body);
      else listener.onClose(code, reason);
    });
  };
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data as Uint8Array<ArrayBuffer>);
    },
    close: (code = 1000) => socket.close(code),
  };
};

/** Browsers hide the answer to a refused upgrade, so ask for it; `null` when there is none. */
async function askForRefusal(target: Target): Promise<{ status: number; body: string } | null> {
  try {
    const url = `${target.endpoint}/v1/client/session?id=${encodeURIComponent(target.avatarId)}`;
    const headers = { "X-App-ID": target.appId, "X-Session-Key": target.sessionToken };
    const reply = await fetch(url, { headers, cache: "no-store", credentials: "omit", redirect: "error" });
    if (reply.ok) return null;
    const { message } = (await reply.json()) as { message?: unknown };
    return typeof message === "string" ? { status: reply.status, body: message } : null;
  } catch {
    return null;
  }
}

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
  /** 1006 when the connection was refused or lost. */
  onClose(code: number, reason: string): void;
}

export type OpenSocket = (url: string, listener: SocketListener) => Socket;

/** Everything that a server needs to admit a session. */
export interface Target {
  readonly endpoint: string;
  readonly avatarId: string;
  readonly appId: string;
  readonly sessionToken: string;
}

/**
 * The Motion Server's address. Browsers can set no header on a WebSocket, so credentials ride in the query; nor
 * can they read the answer to a refused upgrade, so `errors=message` asks for the refusal as a message.
 */
export function socketUrl(target: Target): string {
  const query = new URLSearchParams({
    id: target.avatarId,
    appId: target.appId,
    sessionKey: target.sessionToken,
    errors: "message",
  });
  return `${target.endpoint.replace(/^http/, "ws")}/v2/driveningress/websocket?${query.toString()}`;
}

/** Open the browser's WebSocket. */
export const openWebSocket: OpenSocket = (url, listener) => {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => listener.onOpen();
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data === "string") listener.onText(data);
    else listener.onBytes(new Uint8Array(data));
  };
  socket.onclose = ({ code, reason }) => listener.onClose(code, reason);
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

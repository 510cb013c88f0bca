/** What a server's refusal, error or close means to the user; the same table as in the Python SDK. */

import { error, ErrorCode, type AvatarError } from "../errors.js";

const MAX_QUOTED = 200;

// Phrases in a server's text, lower case, first match wins; text is more exact than a number.
const PHRASES: readonly (readonly [string, ErrorCode])[] = [
  ["session denied", ErrorCode.insufficientBalance],
  ["credits exhausted", ErrorCode.insufficientBalance],
  ["session time limit reached", ErrorCode.sessionTimeout],
  ["maximum session duration", ErrorCode.sessionTimeout],
  ["no audio input for", ErrorCode.sessionTimeout],
  ["livekit silence timeout", ErrorCode.sessionTimeout],
  ["invalid session token", ErrorCode.sessionTokenInvalid],
  ["empty token", ErrorCode.sessionTokenInvalid],
  ["token is expired", ErrorCode.sessionTokenExpired],
  ["session token expired", ErrorCode.sessionTokenExpired],
  ["app id mismatch", ErrorCode.appIDUnrecognized],
  ["app id unrecognized", ErrorCode.appIDUnrecognized],
  ["avatar not found", ErrorCode.avatarIDUnrecognized],
  ["unsupported sample rate", ErrorCode.invalidAudioInput],
  ["concurrent", ErrorCode.concurrentLimitExceeded],
  ["livekit_egress", ErrorCode.invalidEgressConfig],
  ["agora_egress", ErrorCode.invalidEgressConfig],
  ["missing livekit credentials", ErrorCode.invalidEgressConfig],
  ["provide api_token or both api_key and api_secret", ErrorCode.invalidEgressConfig],
  ["unauthorized", ErrorCode.invalidEgressConfig],
  ["egress client is not configured", ErrorCode.egressUnavailable],
  ["failed to create egress connection", ErrorCode.egressUnavailable],
  ["driven server re", ErrorCode.serverError], // "returned non-200 status code", "request failed"
  ["expected clientconfiguresession message", ErrorCode.websocketError],
  ["clientconfiguresession message is nil", ErrorCode.websocketError],
  ["unexpected message type", ErrorCode.websocketError],
  ["failed to unmarshal initial message", ErrorCode.websocketError],
];

const SERVER_CODES: Record<number, ErrorCode> = {
  14: ErrorCode.egressUnavailable,
  16: ErrorCode.invalidEgressConfig,
  4001: ErrorCode.insufficientBalance,
  4002: ErrorCode.sessionTimeout,
  4003: ErrorCode.concurrentLimitExceeded,
  4010: ErrorCode.sessionTokenInvalid,
  4503: ErrorCode.serverError,
};

const STATUSES: Record<number, ErrorCode> = {
  401: ErrorCode.sessionTokenExpired,
  402: ErrorCode.insufficientBalance,
  404: ErrorCode.appIDUnrecognized,
  429: ErrorCode.concurrentLimitExceeded,
};

/** The error of an upgrade that was answered with an HTTP status, as far as the client can see it. */
export function rejectionError(status: number, body: string): AvatarError {
  const fallback = status >= 500 ? ErrorCode.serverError : ErrorCode.websocketError;
  const code = byPhrase(body) ?? STATUSES[status] ?? fallback;
  const message = `The server refused the connection with status ${status}${quoted(body)}.`;
  return error(code, message, code === ErrorCode.websocketError ? { phase: "connect", retryable: false } : { phase: "connect" });
}

/** The error of a `ServerError` message. */
export function serverError(code: number, message: string, phase: "connect" | "interact" = "interact"): AvatarError {
  const kind = byPhrase(message) ?? SERVER_CODES[code] ?? ErrorCode.serverError;
  return error(kind, `The server reported error ${code}${quoted(message)}.`, { phase });
}

/** The error of a close, or `null` for a clean end (1000 and 1001). 1006 is a lost connection. */
export function closeError(code: number, reason: string): AvatarError | null {
  if (code === 1000 || code === 1001) return null;
  if (code === 1006) return error(ErrorCode.websocketClosedAbnormally, "The connection to the server was lost.");
  const kind = SERVER_CODES[code] ?? ErrorCode.websocketClosedUnexpected;
  return error(kind, `The server closed the connection with code ${code}${quoted(reason)}.`, { phase: "interact" });
}

function byPhrase(text: string): ErrorCode | undefined {
  const lowered = text.toLowerCase();
  return PHRASES.find(([phrase]) => lowered.includes(phrase))?.[1];
}

/** A server's own words, on one line and short; long random runs, which may be secrets, are cut out. */
function quoted(text: string): string {
  const words = text.trim().replace(/\s+/g, " ").replace(/[\w\-.=+/]{32,}/g, "...");
  return words ? ` (${words.slice(0, MAX_QUOTED)})` : "";
}

import type { LogLevel } from "./types.js";

const ORDER: readonly LogLevel[] = ["off", "error", "warning", "all"];
let level = 0;

/** How much goes to the console from now on. */
export function setLogLevel(to: LogLevel): void {
  level = ORDER.indexOf(to);
}

/** The console, behind the level. Never given a key or a token. */
export const log = {
  error: (...what: unknown[]): void => {
    if (level >= 1) console.error("[avatarkit]", ...what);
  },
  warning: (...what: unknown[]): void => {
    if (level >= 2) console.warn("[avatarkit]", ...what);
  },
  info: (...what: unknown[]): void => {
    if (level >= 3) console.info("[avatarkit]", ...what);
  },
};

/** Call a callback of the app; what it throws is logged, and goes to the page's error handler, but not to us. */
export function callBack<T extends unknown[]>(callback: ((...args: T) => void) | null | undefined, ...args: T): void {
  if (!callback) return;
  try {
    callback(...args);
  } catch (reason) {
    log.error("a callback of the app failed", reason);
    setTimeout(() => {
      throw reason;
    });
  }
}

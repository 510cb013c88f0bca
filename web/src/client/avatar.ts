import type { Bundle } from "../bundle/bundle.js";

/** A loaded avatar: what `AvatarManager.load` returns and `AvatarView` mounts. */
export interface Avatar {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** Content hash of the bundle file. */
  readonly sha256: string;
  readonly isFromCache: boolean;
  /** The decoded bundle. */
  readonly bundle: Bundle;
}

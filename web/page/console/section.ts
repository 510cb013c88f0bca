/** What a section of the console is given. */

import type { AdminApi } from "./api.js";

export interface Desk {
  readonly api: AdminApi;
  /** Draw the section anew. */
  refresh(): Promise<void>;
  /** Do something, telling the administrator when it fails, then draw the section anew. */
  attempt(work: () => Promise<unknown>): Promise<void>;
}

/** Fetches what it shows and draws it. */
export type Section = (desk: Desk) => Promise<Node[]>;

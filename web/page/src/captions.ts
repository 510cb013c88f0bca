/** What is being said, shown while it is heard. */

/** A piece of text and when it is heard, in seconds from the start of the round. */
export interface Cue {
  readonly from: number;
  readonly until: number;
  readonly text: string;
}

/** The cues of one round. */
export class Captions {
  private cues: Cue[] = [];

  clear(): void {
    this.cues = [];
  }

  add(cue: Cue): void {
    this.cues.push(cue);
  }

  /** The text at a position, or nothing. */
  at(position: number): string {
    return this.cues.find(({ from, until }) => position >= from && position < until)?.text ?? "";
  }
}

const SENTENCE = /[^.!?…。！？]+[.!?…。！？]*["'”’)\]]*\s*/gu;

/**
 * Text in pieces of at most `most` characters, cut after sentences where that fits, else at blanks, else anywhere:
 * the first is spoken while the next is made.
 */
export function pieces(text: string, most: number): string[] {
  const found: string[] = [];
  for (const sentence of text.replace(/\s+/g, " ").match(SENTENCE) ?? []) {
    let rest = sentence.trim();
    while (rest.length > most) {
      const blank = rest.lastIndexOf(" ", most);
      const cut = blank > most / 2 ? blank : most;
      found.push(rest.slice(0, cut).trim());
      rest = rest.slice(cut).trim();
    }
    if (/[\p{L}\p{N}]/u.test(rest)) found.push(rest);
  }
  return found;
}

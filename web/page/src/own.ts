/** The visitor's own characters: what the server has of them, making another, deleting one. */

import { AvatarManager } from "@avatarkit/web";
import type { Characters } from "./characters.js";
import { byId } from "./dom.js";
import { mine, remove, type Mine } from "./make/desk.js";
import type { Maker } from "./make/dialog.js";
import type { Notices } from "./notices.js";
import { Refusal, type Listed } from "./server.js";

/** What it acts on. */
export interface OwnParts {
  readonly characters: Characters;
  readonly notices: Notices;
}

/** Photos become characters here. Everything that this takes is loaded when it is first used. */
export class Own {
  private readonly button = byId("make-open", HTMLButtonElement);
  private readonly note = byId("make-note", HTMLElement);
  private known: Mine | null = null;
  private maker: Promise<Maker> | null = null;

  constructor(private readonly parts: OwnParts) {
    this.button.onclick = () => void this.open();
  }

  /** Ask what the visitor has here, and whether more can be made. */
  async load(): Promise<void> {
    try {
      this.known = await mine();
    } catch (reason) {
      if (reason instanceof Refusal && reason.status === 403) return; // for guests only
      throw reason;
    }
    const { offer, avatars, jobs } = this.known;
    for (const avatar of avatars) this.add(avatar);
    this.button.hidden = !offer.isPossible;
    if (offer.code === "photosMissing") this.say(`Characters of photos cannot be made on this server. ${offer.reason}`);
    const [job] = jobs;
    if (job) (await this.ready()).resume(job);
  }

  /** Take a photo that was dropped on the page; `false` where no characters are made. */
  take(photo: File): boolean {
    if (!this.known?.offer.isPossible) return false;
    this.ready().then((maker) => maker.take(photo), (reason: unknown) => this.parts.notices.fail(reason));
    return true;
  }

  private async open(): Promise<void> {
    try {
      (await this.ready()).open();
    } catch (reason) {
      this.parts.notices.fail(reason);
    }
  }

  private ready(): Promise<Maker> {
    const events = { onMade: (avatar: Listed) => void this.made(avatar), onNote: (text: string) => this.say(text) };
    this.maker ??= import("./make/dialog.js").then(({ Maker }) => new Maker(this.known!.offer, events));
    this.maker.catch(() => (this.maker = null)); // the server was away
    return this.maker;
  }

  private async made(avatar: Listed): Promise<void> {
    this.add(avatar);
    this.say(`${avatar.name} is coming.`);
    await this.parts.characters.choose(avatar.id);
    this.say(`${avatar.name} is here. Press Speak to hear the voice that is chosen.`);
  }

  private add(avatar: Listed): void {
    this.parts.characters.add(avatar, () => this.askToDelete(avatar));
  }

  private askToDelete({ id, name }: Listed): void {
    const dialog = byId("unmake", HTMLDialogElement);
    byId("unmake-name", HTMLElement).textContent = name;
    byId("unmake-form", HTMLFormElement).onsubmit = ({ submitter }) => {
      if (submitter?.id === "unmake-go") void this.delete(id, name);
    };
    dialog.showModal();
  }

  private async delete(id: string, name: string): Promise<void> {
    try {
      await remove(id).catch((reason: unknown) => {
        if (!(reason instanceof Refusal && reason.status === 404)) throw reason; // gone already
      });
      this.parts.characters.remove(id);
      await AvatarManager.shared.clear(id);
      this.say(`${name} is deleted.`);
    } catch (reason) {
      this.parts.notices.fail(reason, { label: "Try again", run: () => void this.delete(id, name) });
    }
  }

  private say(text: string): void {
    if (this.note.textContent !== text) this.note.textContent = text;
  }
}

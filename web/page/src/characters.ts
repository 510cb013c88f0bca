/** The characters that can be put on the stage: those of the server, and the visitor's own. */

import { byId, icon, make } from "./dom.js";
import type { Listed } from "./server.js";

/** A group of cards of which one is chosen. */
export class Characters {
  private readonly box = byId("characters", HTMLElement);
  private readonly cards = new Map<string, { card: HTMLElement; input: HTMLInputElement }>();

  /** `onChoose` shows one. */
  constructor(private readonly onChoose: (id: string) => Promise<void>) {}

  /** Show these. Covers are asked for by the function it returns: the first face comes first. */
  show(avatars: readonly Listed[], chosen: string): () => void {
    this.box.replaceChildren();
    this.cards.clear();
    const covers = avatars.map((avatar) => this.card(avatar, avatar.id === chosen));
    return () => covers.forEach((load) => load());
  }

  /** Add one of the visitor's own, which can be deleted. */
  add(avatar: Listed, onDelete: () => void): void {
    if (!this.cards.has(avatar.id)) this.card(avatar, false, onDelete)();
  }

  /** Take one away; another is chosen if it was that one. */
  remove(id: string): void {
    const wasChosen = this.cards.get(id)?.input.checked;
    this.cards.get(id)?.card.remove();
    this.cards.delete(id);
    const [first] = this.cards.keys();
    if (!first) return;
    if (wasChosen) void this.choose(this.cards.has("default") ? "default" : first);
    else this.focus();
  }

  /** Choose one, as a click would; resolves when it is on the stage. */
  async choose(id: string): Promise<void> {
    const input = this.cards.get(id)?.input;
    if (!input) return;
    input.checked = true;
    this.focus();
    await this.onChoose(id);
  }

  /** Put the keyboard on the one that is chosen. */
  private focus(): void {
    for (const { input } of this.cards.values()) if (input.checked) input.focus();
  }

  private card({ id, name, coverUrl }: Listed, checked: boolean, onDelete?: () => void): () => void {
    const input = make("input", { type: "radio", name: "character", value: id, checked });
    input.onchange = () => void this.onChoose(id);
    const cover = make("span", { className: "cover" }, make("span", { aria: { hidden: "true" } }, name.slice(0, 1)));
    const card = make("div", { className: "character-place" }, make("label", { className: "character" }, input, cover, make("span", { className: "character-name" }, name)));
    if (onDelete) {
      const button = make("button", { type: "button", className: "tool delete", title: `Delete ${name}`, aria: { label: `Delete ${name}` } }, icon("close"));
      button.onclick = onDelete;
      card.append(button);
    }
    this.cards.set(id, { card, input });
    this.box.append(card);
    return () => {
      const image = make("img", { alt: "", decoding: "async", width: 96, height: 96 });
      image.onload = () => cover.replaceChildren(image);
      image.src = coverUrl;
    };
  }
}

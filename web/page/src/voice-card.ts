/** The card that says where the voice comes from. */

import type { Access } from "./access.js";
import { byId, make } from "./dom.js";
import { file, sample, SAMPLE, text, voices, type Source } from "./sources.js";
import { openTabs } from "./tabs.js";

/** Which source is chosen. */
export type Kind = "sample" | "text" | "file" | "mic";

/** Knows what to speak. */
export class VoiceCard {
  kind: Kind = "sample";
  /** Gets a photo that was dropped; whether it is of use. */
  onPhoto: (photo: File) => boolean = () => false;
  private chosen: File | null = null;
  private longest = 400;
  private readonly choose: (tab: string) => void;

  /** `onKind` is told that another source was chosen, `onReady` that something should be spoken at once. */
  constructor(
    private readonly access: Access,
    onKind: () => void,
    private readonly onReady: () => void,
  ) {
    byId("sample-text", HTMLElement).append(...SAMPLE.map(([, sentence], i) => make("span", {}, (i ? " " : "") + sentence)));
    this.choose = openTabs(document.querySelector<HTMLElement>('[role="tablist"]')!, (id) => {
      this.kind = id.replace("tab-", "") as Kind;
      onKind();
    });
    const input = byId("file", HTMLInputElement);
    input.onchange = () => {
      const given = input.files?.[0];
      input.value = ""; // the same file may be chosen again
      if (given) this.take(given);
    };
    byId("text", HTMLTextAreaElement).onkeydown = (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      onReady();
    };
    this.watchDrops();
  }

  /** Ask which voices the server has. */
  async loadVoices(): Promise<void> {
    const { voices: found, maxCharacters } = await voices();
    this.longest = maxCharacters;
    byId("text-form", HTMLElement).hidden = !found.length;
    byId("text-missing", HTMLElement).hidden = found.length > 0;
    byId("voice", HTMLSelectElement).replaceChildren(...found.map(({ id, name, language }) => make("option", { value: id, lang: language }, name)));
  }

  /** What to speak now; `null` when something has to be chosen or typed first. The microphone is no such source. */
  source(): Source | null {
    if (this.kind === "sample") return sample;
    if (this.kind === "file") {
      const { chosen } = this;
      if (!chosen) byId("file", HTMLInputElement).click();
      return chosen && (() => file(chosen));
    }
    const words = byId("text", HTMLTextAreaElement);
    const voice = byId("voice", HTMLSelectElement).value;
    if (!voice) return null;
    if (!words.value.trim()) words.focus();
    return words.value.trim() ? () => text(words.value, voice, this.longest, this.access) : null;
  }

  private take(given: File): void {
    this.chosen = given;
    byId("file-text", HTMLElement).textContent = given.name;
    this.choose("tab-file");
    this.onReady();
  }

  private watchDrops(): void {
    const hint = byId("drop-hint", HTMLElement);
    const hasFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    addEventListener("dragover", (event) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      hint.hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) hint.hidden = true;
    });
    addEventListener("drop", (event) => {
      hint.hidden = true;
      if (!hasFile(event)) return;
      event.preventDefault();
      const given = event.dataTransfer?.files[0];
      if (given && !(given.type.startsWith("image/") && this.onPhoto(given))) this.take(given);
    });
  }
}

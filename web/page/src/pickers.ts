/** Choosing a mood, a style and a background. */

import { Mood } from "@avatarkit/web";
import { BACKGROUNDS, picture, plain, TRANSPARENT, type Background } from "./backgrounds.js";
import { byId, icon, make } from "./dom.js";

/** Emotions that the server's motion engine can speak in; the first is none. */
export const STYLES = ["neutral", "calm", "happy", "sad", "angry", "surprised"] as const;

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

/** The moods, as buttons of which one is pressed. */
export function showMoods(onChoose: (mood: Mood) => void): void {
  byId("moods", HTMLElement).append(
    ...Object.values(Mood).map((mood) => {
      const input = make("input", { type: "radio", name: "mood", value: mood, checked: mood === "neutral" });
      input.onchange = () => onChoose(mood);
      return make("label", {}, input, capital(mood));
    }),
  );
}

/** The styles of speaking; calls back with what the server takes, such as `happy:0.6`, or nothing. */
export function showStyles(onChoose: (style: string) => void): void {
  const select = byId("style", HTMLSelectElement);
  const intensity = byId("intensity", HTMLInputElement);
  select.append(...STYLES.map((style) => make("option", { value: style }, capital(style))));
  const tell = (): void => {
    intensity.disabled = select.value === "neutral";
    onChoose(select.value === "neutral" ? "" : `${select.value}:${(Number(intensity.value) / 100).toFixed(2)}`);
  };
  select.onchange = intensity.onchange = tell;
}

/** The backgrounds: those of the page, a colour, a picture, none. */
export function showBackgrounds(first: string, onChoose: (background: Background) => void): void {
  const box = byId("swatches", HTMLElement);
  const color = byId("background-color", HTMLInputElement);
  const file = byId("background-file", HTMLInputElement);
  const buttons: HTMLButtonElement[] = [];
  const press = (button: HTMLButtonElement, focus = false): void => {
    for (const other of buttons) {
      other.setAttribute("aria-checked", String(other === button));
      other.tabIndex = other === button ? 0 : -1;
    }
    if (focus) button.focus();
  };
  const swatch = (name: string, run: (button: HTMLButtonElement) => void, paint?: Background["paint"], symbol?: string): HTMLButtonElement => {
    const button = make("button", { type: "button", className: "swatch", title: name, role: "radio", aria: { label: name, checked: "false" }, tabIndex: -1 });
    if (paint) fill(button, paint);
    if (symbol) button.append(icon(symbol));
    button.onclick = () => run(button);
    button.onkeydown = ({ key }) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
      if (step === undefined) return;
      const next = buttons[(buttons.indexOf(button) + step + buttons.length) % buttons.length]!;
      press(next, true);
      // A chooser is opened by pressing, not by passing.
      if (next.dataset.chooser === undefined) next.click();
    };
    buttons.push(button);
    return button;
  };
  for (const background of [...BACKGROUNDS, TRANSPARENT]) {
    const button = swatch(background.name, (pressed) => {
      press(pressed);
      onChoose(background);
    }, background === TRANSPARENT ? checks : background.paint);
    if (background.id === first) press(button);
  }
  const colored = swatch("A colour of your own", (pressed) => {
    press(pressed);
    color.click();
  }, rainbow);
  color.oninput = () => {
    fill(colored, plain(color.value));
    onChoose({ id: "color", name: "Colour", paint: plain(color.value) });
  };
  const pictured = swatch("A picture of your own", () => file.click(), plain("#6b7280"), "file");
  for (const button of [colored, pictured]) button.dataset.chooser = "";
  file.onchange = async () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (!chosen) return;
    const image = await createImageBitmap(chosen);
    press(pictured);
    fill(pictured, picture(image));
    onChoose({ id: "picture", name: "Picture", paint: picture(image) });
  };
  box.replaceChildren(...buttons);
}

const SIDE = 76;

function fill(button: HTMLElement, paint: Background["paint"]): void {
  const canvas = make("canvas", { width: SIDE, height: SIDE, className: "swatch-paint" });
  paint(canvas.getContext("2d")!, SIDE, SIDE);
  button.querySelector("canvas")?.remove();
  button.prepend(canvas);
}

const checks: Background["paint"] = (context, width, height) => {
  const cell = width / 6;
  for (let x = 0; x < 6; x++) {
    for (let y = 0; y < 6; y++) {
      context.fillStyle = (x + y) % 2 ? "#d5d5d5" : "#ffffff";
      context.fillRect(x * cell, y * cell, cell, height / 6);
    }
  }
};

const rainbow: Background["paint"] = (context, width, height) => {
  const wheel = context.createConicGradient(0, width / 2, height / 2);
  ["#d9534f", "#d99a2b", "#6da544", "#2f9d94", "#3c78c2", "#8a56b0", "#d9534f"].forEach((color, i, all) => wheel.addColorStop(i / (all.length - 1), color));
  context.fillStyle = wheel;
  context.fillRect(0, 0, width, height);
};

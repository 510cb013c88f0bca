/** The page at `/`: wires the stage, the voice and the panel together. */

import { AvatarSDK, type AvatarView, type Mood, type RenderQuality } from "@avatarkit/web";
import workletUrl from "@avatarkit/web/player-worklet.js?worker&url";
import { Access } from "./access.js";
import { Backdrop, BACKGROUNDS } from "./backgrounds.js";
import { Bar } from "./bar.js";
import { Characters } from "./characters.js";
import { byId } from "./dom.js";
import { openShortcuts } from "./keyboard.js";
import { Live } from "./live.js";
import { Notices } from "./notices.js";
import { Own } from "./own.js";
import { showBackgrounds, showMoods, showStyles } from "./pickers.js";
import { signIn } from "./sign-in.js";
import { Stage } from "./stage.js";
import { RATE } from "./sources.js";
import { Talker } from "./talker.js";
import { VoiceCard } from "./voice-card.js";

const NARROW = "(max-width: 820px)";

const notices = new Notices();
const access = new Access();
const stage = new Stage(byId("stage", HTMLElement), byId("views", HTMLElement));
const backdrop = new Backdrop(byId("stage", HTMLElement), byId("backdrop", HTMLCanvasElement));
const talker = new Talker({ access, workletUrl, onChange: () => bar.update() });
const live = new Live(talker);
const voice = new VoiceCard(access, () => bar.update(), () => void bar.speak());
const characters = new Characters(choose);
const own = new Own({ characters, notices });
voice.onPhoto = (photo) => own.take(photo);
const bar = new Bar({ talker, voice, stage, backdrop, notices });
let mood: Mood = "neutral";

stage.onView = (view: AvatarView) => {
  view.controller.setMood(mood);
  talker.use(view);
  live.use(view);
  bar.use(view);
};

/** From nothing to an idle, living face. */
async function begin(): Promise<void> {
  try {
    const entering = access.enter();
    stage.setQuality(byId("quality", HTMLSelectElement).value as RenderQuality | "auto"); // looks at the GPU meanwhile
    if (!(await entering)) await signIn(access);
    await AvatarSDK.initialize(access.appId, { audioFormat: { sampleRate: RATE }, audioWorkletUrl: new URL(workletUrl, location.href).href });
    const first = access.avatars.find(({ id }) => id === "default") ?? access.avatars[0];
    if (!first) {
      notices.show({ title: "There is no character yet", text: "Add one on the server: avatarkit avatars add FILE.glb --id NAME." });
      bar.update();
      return;
    }
    const loadCovers = characters.show(access.avatars, first.id);
    const view = await stage.show(first.id);
    const told = view!.onFirstRendering;
    view!.onFirstRendering = () => {
      told?.();
      loadCovers();
      for (const loading of [voice.loadVoices(), own.load()]) loading.catch((reason: unknown) => notices.fail(reason));
      bar.update();
    };
  } catch (reason) {
    bar.failed();
    notices.fail(reason, { label: "Try again", run: () => void begin() });
  }
}

async function choose(id: string): Promise<void> {
  try {
    await stage.show(id);
  } catch (reason) {
    notices.fail(reason);
  }
}

/** The URL may name a picture quality, for trying. */
function readUrl(): void {
  const wanted = new URLSearchParams(location.search).get("quality");
  const select = byId("quality", HTMLSelectElement);
  if ([...select.options].some(({ value }) => value === wanted)) select.value = wanted!;
  select.onchange = () => stage.setQuality(select.value as RenderQuality | "auto");
}

function foldOnPhones(): void {
  if (!matchMedia(NARROW).matches) return;
  for (const card of document.querySelectorAll<HTMLDetailsElement>(".panel details")) card.open = card.id === "card-voice";
}

const first = matchMedia("(prefers-color-scheme: dark)").matches ? BACKGROUNDS[3]! : BACKGROUNDS[0]!;
backdrop.show(first);
showBackgrounds(first.id, (background) => backdrop.show(background));
showMoods((chosen) => {
  mood = chosen;
  stage.view?.controller.setMood(mood);
});
showStyles((style) => talker.setStyle(style));
openShortcuts({
  k: () => void bar.speak(),
  escape: () => talker.stop(),
  m: () => bar.toggleMute(),
  l: () => bar.toggleLook(),
  r: () => void bar.toggleRecording(),
});
readUrl();
foldOnPhones();
void begin();

/** Once a frame, after the view has drawn. */
function frame(time: number): void {
  live.frame(time / 1000);
  bar.frame();
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);

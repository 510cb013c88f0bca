/** The library. */

import { make } from "../src/dom.js";
import type { Avatar } from "./api.js";
import { button, dialog, head, megabytes, pill } from "./parts.js";
import type { Desk } from "./section.js";

export async function avatars(desk: Desk): Promise<Node[]> {
  const found = await desk.api.avatars();
  const list = make("div", { className: "avatars" }, ...found.map((avatar) => card(avatar, desk)));
  const empty = make("p", { className: "card empty" }, "No avatars yet. Upload a GLB with ARKit morph targets.");
  return [head("Avatars", button("Upload", () => upload(desk), "primary")), found.length ? list : empty];
}

function card(avatar: Avatar, desk: Desk): HTMLElement {
  const shown = avatar.state === "published";
  const cover = make("img", { className: "picture", alt: `${avatar.name} at rest`, loading: "lazy", width: 256, height: 256, src: avatar.coverUrl });
  return make("article", { className: "card avatar" }, cover,
    make("div", { className: "text" },
      make("h2", {}, avatar.name, pill(avatar.state, shown ? "good" : "")),
      make("p", { className: "meta" }, make("code", {}, avatar.id), ` \u00b7 version ${avatar.version} \u00b7 ${megabytes(avatar.size)}`),
      make("p", { className: "meta" }, [avatar.license, avatar.author].filter(Boolean).join(" \u00b7 ") || "No licence is named"),
      make("p", { className: "meta" }, avatar.visibility === "everyone" ? "For every app" : `For ${avatar.owner ?? "granted apps"} and those it was granted to`),
      make("div", { className: "actions" },
        button(shown ? "Withdraw" : "Publish", () => desk.attempt(() => desk.api.changeAvatar(avatar.id, { state: shown ? "withdrawn" : "published" })), "small-button", `${shown ? "Withdraw" : "Publish"} ${avatar.name}`),
        button("Delete", () => remove(avatar, desk), "small-button risky", `Delete ${avatar.name}`),
      ),
    ),
  );
}

async function upload(desk: Desk): Promise<void> {
  const note = make("p", { className: "hint" }, "Binary glTF with ARKit morph targets. The id of an avatar that exists makes its next version.");
  const given = await dialog("Upload an avatar", [note], "Upload", [
    { name: "id", label: "Id", required: true, pattern: "[A-Za-z0-9._\\-]{1,64}" },
    { name: "file", label: "File", type: "file", accept: ".glb,model/gltf-binary", required: true },
  ]);
  const file = given?.file!.files?.[0];
  if (given && file) await desk.attempt(() => desk.api.uploadAvatar(given.id!.value, file));
}

async function remove(avatar: Avatar, desk: Desk): Promise<void> {
  const text = "All versions go, and clients cannot load it any more. Withdrawing only hides it.";
  if (await dialog(`Delete ${avatar.name}?`, [make("p", {}, text)], "Delete")) await desk.attempt(() => desk.api.deleteAvatar(avatar.id));
}

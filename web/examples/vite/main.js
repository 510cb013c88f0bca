import { AvatarManager, AvatarSDK, AvatarView, decodeAudioFile } from "@avatarkit/web";

const APP_ID = import.meta.env.VITE_APP_ID ?? "APP_ID";
const ENDPOINT = import.meta.env.VITE_ENDPOINT ?? "http://127.0.0.1:8700";
const told = document.querySelector("#told");

/** Your backend holds the API key and answers with a session token. */
async function fetchToken() {
  const reply = await fetch("/avatar-token", { method: "POST" });
  return (await reply.json()).sessionToken;
}

await AvatarSDK.initialize(APP_ID, { endpoint: ENDPOINT });
const avatar = await AvatarManager.shared.load("default", ({ progress }) => {
  told.value = progress === undefined ? "" : `${Math.round(100 * progress)} %`;
});
const { controller } = new AvatarView(avatar, document.querySelector("#stage"));
controller.onError = (reason) => (told.value = reason.message);

document.querySelector("#file").addEventListener("change", async ({ target }) => {
  await controller.initializeAudioContext(); // while the gesture counts
  if (controller.connectionState !== "connected") {
    AvatarSDK.setSessionToken(await fetchToken());
    await controller.start();
  }
  controller.send(await decodeAudioFile(target.files[0], 16000), true);
});

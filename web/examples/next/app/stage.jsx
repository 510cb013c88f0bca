"use client";

import { useRef, useState } from "react";
import { AvatarSDK, decodeAudioFile } from "@avatarkit/web";
import { AvatarCanvas } from "@avatarkit/web/react";

export default function Stage({ appId, endpoint }) {
  const view = useRef(null);
  const [told, setTold] = useState("Loading");

  async function speak(file) {
    const { controller } = view.current;
    await controller.initializeAudioContext(); // while the gesture counts
    if (controller.connectionState !== "connected") {
      const reply = await fetch("/avatar-token", { method: "POST" }); // your backend, which holds the API key
      AvatarSDK.setSessionToken((await reply.json()).sessionToken);
      await controller.start();
    }
    controller.send(await decodeAudioFile(file, 16000), true);
  }

  return (
    <>
      <AvatarCanvas
        appId={appId}
        avatarId="default"
        configuration={{ endpoint }}
        style={{ width: "24rem", height: "24rem" }}
        onReady={(ready) => {
          view.current = ready;
          setTold("");
        }}
        onError={(reason) => setTold(reason.message)}
      />
      <input type="file" accept="audio/*" onChange={(event) => speak(event.target.files[0])} />
      <output>{told}</output>
    </>
  );
}

/**
 * A thin React component over the lifecycle.
 *
 * @packageDocumentation
 */

import { createElement, useEffect, useRef, type CSSProperties, type ReactElement } from "react";
import {
  AvatarManager,
  AvatarSDK,
  AvatarView,
  type AvatarError,
  type AudioFormat,
  type Configuration,
  type LoadProgress,
} from "./index.js";

/** What {@link AvatarCanvas} takes. Callbacks may change from render to render. */
export interface AvatarCanvasProps {
  appId: string;
  avatarId: string;
  /** Read when the component mounts or the avatar changes; must stay the same in a page. */
  configuration?: Configuration;
  /** Default: that of the configuration. */
  audioFormat?: AudioFormat;
  /** Called with the view when its first frame is on the canvas: keep `view.controller` to speak. */
  onReady?: (view: AvatarView) => void;
  onProgress?: (progress: LoadProgress) => void;
  /** Errors of loading and of the controller. */
  onError?: (reason: AvatarError) => void;
  className?: string;
  /** Default: fills its parent. The element needs a height. */
  style?: CSSProperties;
}

/** Shows an avatar and disposes of it on unmount. Works in strict mode and, as a client component, in Next. */
export function AvatarCanvas(props: AvatarCanvasProps): ReactElement {
  const container = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const { appId, avatarId } = props;
  useEffect(() => {
    let gone = false;
    let view: AvatarView | null = null;
    const mount = async (): Promise<void> => {
      const { configuration, audioFormat } = latest.current;
      await AvatarSDK.initialize(appId, configuration);
      const avatar = await AvatarManager.shared.load(avatarId, (progress) => latest.current.onProgress?.(progress));
      if (gone || !container.current) return;
      const made = (view = new AvatarView(avatar, container.current, audioFormat ? { audioFormat } : {}));
      made.onFirstRendering = () => latest.current.onReady?.(made);
      made.controller.onError = (reason) => latest.current.onError?.(reason);
    };
    mount().catch((reason: unknown) => {
      if (!gone) latest.current.onError?.(reason as AvatarError);
    });
    return () => {
      gone = true;
      view?.dispose();
    };
  }, [appId, avatarId]);
  const style = props.style ?? { width: "100%", height: "100%" };
  return createElement("div", { ref: container, className: props.className, style });
}

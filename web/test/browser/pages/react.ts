/** React with the component, as the sources stand. */
import * as React from "react";
// @ts-expect-error It has no types here, and needs none.
import { createRoot } from "react-dom/client";
import { AvatarCanvas } from "../../../src/react.js";

export { AvatarCanvas, createRoot, React };

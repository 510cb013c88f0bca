/** Entry of the single file: the whole API, and `<avatar-kit>` defined. */
export * from "./index.js";
export * from "./element.js";

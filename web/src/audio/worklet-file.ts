/** Entry of `player-worklet.js`, the file for `Configuration.audioWorkletUrl`. */
import { registerProcessors } from "./player-worklet.js";

registerProcessors();

/** Sizes that both sides keep to, as in `avatarkit.protocol.limits`. */

/** Largest message that a server sends. */
export const MAX_SERVER_MESSAGE_BYTES = 1024 * 1024;
/** Longest request, connection or avatar id. */
export const MAX_ID_CHARACTERS = 128;
/** Longest error message kept; longer ones are cut. */
export const MAX_TEXT_CHARACTERS = 2000;
/** Most motion frames in one message. */
export const MAX_CHUNK_FRAMES = 15_000;
/** Longest piece of audio in one message: small enough for an interrupt to pass soon. */
export const AUDIO_MESSAGE_BYTES = 64 * 1024;

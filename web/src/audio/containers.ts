/** The kind of file that bytes begin, or `null`: a header that is fed as samples would be heard as noise. */
export function containerOf(bytes: Uint8Array): string | null {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  if (start.startsWith("RIFF")) return "WAV";
  if (start.startsWith("OggS")) return "Ogg";
  if (start.startsWith("\x1a\x45\xdf\xa3")) return "WebM";
  if (start.slice(4, 8) === "ftyp") return "MP4";
  if (start.startsWith("caff")) return "CAF";
  return start.startsWith("fLaC") ? "FLAC" : null;
}

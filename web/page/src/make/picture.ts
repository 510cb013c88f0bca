/** A photo as it is sent: upright, no larger than needed, and without what else the file says, such as where it was taken. */

const LONGEST_PX = 2048;
const LARGEST_FILE = 60 * 1024 * 1024;
const QUALITIES = [0.92, 0.8, 0.6];

/** A file that cannot be used; the text is for the visitor. */
export class UnfitPicture extends Error {
  override readonly name = "UnfitPicture";
}

/** Width and height, scaled down to fit. */
export function fitted(width: number, height: number, longest = LONGEST_PX): [number, number] {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** Read a file that was chosen. Rejects with {@link UnfitPicture}. */
export async function readPhoto(file: Blob, maxBytes: number): Promise<Blob> {
  if (file.size > LARGEST_FILE) throw new UnfitPicture("The file is over 60 MB. Choose a smaller photo.");
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new UnfitPicture("This browser cannot read the file as a picture. Choose a JPEG, PNG or WebP.");
  }
  try {
    return await asJpeg(image, image.width, image.height, maxBytes);
  } finally {
    image.close();
  }
}

/** What an image or a video shows now, as JPEG of at most that many bytes. */
export async function asJpeg(image: CanvasImageSource, width: number, height: number, maxBytes: number): Promise<Blob> {
  const [w, h] = fitted(width, height);
  const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#ffffff"; // behind what is transparent
  context.fillRect(0, 0, w, h);
  context.drawImage(image, 0, 0, w, h);
  for (const quality of QUALITIES) {
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", quality));
    if (blob && blob.size <= maxBytes) return blob;
  }
  throw new UnfitPicture("The photo stays too large. Choose another.");
}

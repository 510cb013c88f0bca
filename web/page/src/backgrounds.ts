/** What is behind the face: painted once for the stage and once more for each frame of a recording. */

type Paint = (context: CanvasRenderingContext2D, width: number, height: number) => void;

/** A background that can be chosen. */
export interface Background {
  readonly id: string;
  readonly name: string;
  /** Paints it; nothing for the transparent one. */
  readonly paint: Paint;
}

/** A soft light behind the head, on a wall of two colours. */
function studio(centre: string, edge: string): Paint {
  return (context, width, height) => {
    const reach = Math.hypot(width, height) * 0.62;
    const light = context.createRadialGradient(width / 2, height * 0.4, reach * 0.05, width / 2, height * 0.46, reach);
    light.addColorStop(0, centre);
    light.addColorStop(1, edge);
    context.fillStyle = light;
    context.fillRect(0, 0, width, height);
  };
}

/** A single colour. */
export function plain(color: string): Paint {
  return (context, width, height) => {
    context.fillStyle = color;
    context.fillRect(0, 0, width, height);
  };
}

/** A picture that covers everything. */
export function picture(image: ImageBitmap): Paint {
  return (context, width, height) => {
    const scale = Math.max(width / image.width, height / image.height);
    const w = image.width * scale;
    const h = image.height * scale;
    context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
  };
}

export const TRANSPARENT: Background = { id: "transparent", name: "Transparent", paint: () => undefined };

/** Those that need no choice beyond themselves. */
export const BACKGROUNDS: readonly Background[] = [
  { id: "mist", name: "Mist", paint: studio("#e9eeee", "#aebbbd") },
  { id: "sand", name: "Sand", paint: studio("#f3e9dc", "#cdb79c") },
  { id: "sage", name: "Sage", paint: studio("#d7e2d4", "#8fa38f") },
  { id: "dusk", name: "Dusk", paint: studio("#5d6f86", "#262f3d") },
  { id: "night", name: "Night", paint: studio("#343c45", "#0f1215") },
];

/** The canvas behind the avatar. */
export class Backdrop {
  private chosen: Background = BACKGROUNDS[0]!;

  constructor(
    private readonly stage: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
  ) {
    new ResizeObserver(() => this.paint()).observe(stage);
  }

  get current(): Background {
    return this.chosen;
  }

  show(background: Background): void {
    this.chosen = background;
    this.stage.dataset.background = background.id;
    this.paint();
  }

  private paint(): void {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.round(this.stage.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.stage.clientHeight * ratio));
    Object.assign(this.canvas, { width, height }); // also clears it
    this.chosen.paint(this.canvas.getContext("2d")!, width, height);
  }
}

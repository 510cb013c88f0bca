/** The last seconds of mouth opening against loudness. */

import { ARKIT_INDEX, type Pose } from "@avatarkit/web";

const SPAN_S = 6;
/** Mouth opening that fills the plot. */
const FULL_MOUTH = 0.6;

/** How open the mouth is, 0..1: the jaw, less what the lips close of it. */
export function mouthOpening({ weights }: Pose): number {
  return weights[ARKIT_INDEX.jawOpen]! * (1 - Math.min(1, weights[ARKIT_INDEX.mouthClose]!));
}

interface Point {
  readonly at: number;
  readonly loud: number;
  readonly mouth: number;
}

/** Draws into a canvas whose size follows its layout. */
export class Plot {
  private points: Point[] = [];

  /** `colors` are elements whose background colours the plot takes: loudness, mouth. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly colors: readonly [Element, Element],
  ) {}

  /** Add what is now: seconds, loudness 0..1, mouth opening 0..1. */
  add(at: number, loud: number, mouth: number): void {
    this.points.push({ at, loud, mouth: Math.min(1, mouth / FULL_MOUTH) });
    const old = this.points.findIndex((point) => point.at > at - SPAN_S - 0.5);
    if (old > 0) this.points.splice(0, old);
  }

  draw(now: number): void {
    const { canvas } = this;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d")!;
    context.clearRect(0, 0, width, height);
    const pad = 8 * ratio;
    const x = (at: number): number => width - ((now - at) / SPAN_S) * width;
    const y = (value: number): number => height - pad - value * (height - 2 * pad);
    const [loud, mouth] = this.colors.map((element) => getComputedStyle(element).backgroundColor) as [string, string];
    if (!this.points.length) return;
    context.fillStyle = loud;
    context.beginPath();
    context.moveTo(x(this.points[0]!.at), height);
    for (const point of this.points) context.lineTo(x(point.at), y(point.loud) + (point.loud ? 0 : pad));
    context.lineTo(x(this.points.at(-1)!.at), height);
    context.fill();
    context.strokeStyle = mouth;
    context.lineWidth = 2.25 * ratio;
    context.lineJoin = "round";
    context.beginPath();
    for (const point of this.points) context.lineTo(x(point.at), y(point.mouth));
    context.stroke();
  }
}

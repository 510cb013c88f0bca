/** As much of a browser as a view asks for, in virtual time. */
import type { VirtualClock } from "./clock.js";

const FRAME_S = 0.04;

class FakeElement {
  readonly style: Record<string, string> = {};
  readonly children: unknown[] = [];
  clientWidth = 64;
  clientHeight = 64;
  width = 0;
  height = 0;
  append(child: unknown): void {
    this.children.push(child);
  }
  remove(): void {}
  setAttribute(): void {}
  addEventListener(): void {}
  removeEventListener(): void {}
}

/** Makes containers, which tell their observers when they are resized. */
export interface FakeDom {
  container(): HTMLElement;
  resize(container: HTMLElement, width: number, height: number): void;
}

/** Install it. `requestAnimationFrame` comes 25 times a second of the clock. */
export function installFakeDom(clock: VirtualClock): FakeDom {
  const observers = new Map<unknown, () => void>();
  const frames = new Map<number, () => void>();
  let last = 0;
  const globals = {
    document: { createElement: () => new FakeElement() },
    ResizeObserver: class {
      private target: unknown;
      constructor(private readonly changed: () => void) {}
      observe(target: unknown): void {
        this.target = target;
        observers.set(target, this.changed);
      }
      disconnect(): void {
        observers.delete(this.target);
      }
    },
    requestAnimationFrame: (action: () => void) => {
      const id = ++last;
      const next = (Math.floor(clock.now() / FRAME_S + 1e-6) + 1) * FRAME_S - clock.now();
      frames.set(id, clock.after(next, action));
      return id;
    },
    cancelAnimationFrame: (id: number) => frames.get(id)?.(),
  };
  Object.assign(globalThis, globals);
  return {
    container: () => new FakeElement() as unknown as HTMLElement,
    resize(container, width, height) {
      Object.assign(container, { clientWidth: width, clientHeight: height });
      observers.get(container)?.();
    },
  };
}

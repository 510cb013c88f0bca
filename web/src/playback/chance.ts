/**
 * Randomness that any language can compute: a hash of (seed, stream, index), with nothing to remember. This file
 * and its neighbours follow `avatarkit.playback` in Python line by line; `tests/conformance/vectors` holds both
 * sides to each other.
 */

const GOLDEN = 0x9e3779b9;

/** Scramble 32 bits: a constant added, then two rounds of xor-shift and multiply. */
export function mix32(x: number): number {
  x = (x + GOLDEN) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Random numbers by place: the same seed, stream and index always give the same number. */
export class Chance {
  private readonly seed: number;

  /** `seed`: a whole number; its lower 32 bits count. */
  constructor(seed: number) {
    this.seed = mix32(seed % 2 ** 32);
  }

  /** 32 random bits. `stream` and `index` count modulo 2^32. */
  bits(stream: number, index: number): number {
    return mix32((mix32((this.seed + stream) % 2 ** 32) + index) % 2 ** 32);
  }

  /** Uniform between 0 and 1, both excluded. */
  uniform(stream: number, index: number): number {
    return (this.bits(stream, index) + 0.5) / 4294967296;
  }

  /** Mean 0, variance 1 (Box and Muller 1958), of the two uniforms at `2 index` and the place behind it. */
  normal(stream: number, index: number): number {
    const radius = Math.sqrt(-2 * Math.log(this.uniform(stream, 2 * index)));
    return radius * Math.cos(2 * Math.PI * this.uniform(stream, 2 * index + 1));
  }

  /** Exponential with a mean. */
  exponential(stream: number, index: number, mean: number): number {
    return -Math.log(this.uniform(stream, index)) * mean;
  }

  /** exp of a normal: `median` times exp(`sigma` z). */
  lognormal(stream: number, index: number, median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal(stream, index));
  }
}

/** Smooth noise: normal values `spacing` seconds apart, with continuous speed and acceleration between. No loop. */
export class Wander {
  private index = -1;
  private a = 0;
  private b = 0;

  constructor(
    private readonly chance: Chance,
    private readonly stream: number,
    private readonly spacing: number,
  ) {}

  /** The value at a time of 0 or more; mean 0. */
  at(t: number): number {
    const place = t / this.spacing;
    const index = Math.floor(place);
    if (this.index !== index) {
      this.index = index;
      this.a = this.chance.normal(this.stream, index);
      this.b = this.chance.normal(this.stream, index + 1);
    }
    return this.a + (this.b - this.a) * ease(place - index);
  }
}

/** 0..1 with continuous speed and acceleration at both ends; `x` is clamped. */
export function ease(x: number): number {
  x = Math.min(Math.max(x, 0), 1);
  return x * x * x * (x * (6 * x - 15) + 10);
}

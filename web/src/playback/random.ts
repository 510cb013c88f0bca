/**
 * The random numbers of NumPy's `default_rng([seed, stream])`: SeedSequence (O'Neill 2015), PCG64 (XSL-RR)
 * and the 256-layer ziggurat (Marsaglia and Tsang 2000), so that a seed lives the same life here and in Python.
 */

const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;
const MULTIPLIER = (2549297995355413924n << 64n) | 4865540595714422341n;

/** One stream of random numbers. */
export class Random {
  private state = 0n;
  private readonly increment: bigint;

  /** Seeds are whole numbers, 0 or more, as in NumPy. */
  constructor(entropy: readonly number[]) {
    const words = seedWords(entropy);
    const word = (i: number): bigint => BigInt(words[2 * i]!) | (BigInt(words[2 * i + 1]!) << 32n);
    this.increment = ((((word(2) << 64n) | word(3)) << 1n) | 1n) & MASK128;
    this.step();
    this.state = (this.state + ((word(0) << 64n) | word(1))) & MASK128;
    this.step();
  }

  /** 64 random bits. */
  next(): bigint {
    this.step();
    const high = this.state >> 64n;
    const mixed = (high ^ this.state) & MASK64;
    const turn = high >> 58n;
    return ((mixed >> turn) | (mixed << (64n - turn))) & MASK64;
  }

  /** Uniform in [0, 1). */
  random(): number {
    return Number(this.next() >> 11n) / 9007199254740992;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  /** Normal with mean 0 and variance 1. */
  normal(): number {
    for (;;) {
      const bits = this.next();
      const layer = Number(bits & 0xffn);
      const negative = (bits >> 8n) & 1n;
      const magnitude = Number((bits >> 9n) & 0xfffffffffffffn);
      const x = magnitude * NORMAL.width[layer]!;
      if (magnitude < NORMAL.accept[layer]!) return negative ? -x : x;
      if (layer === 0) {
        for (;;) {
          const far = -Math.log1p(-this.random()) / NORMAL_R;
          const high = -Math.log1p(-this.random());
          if (high + high > far * far) {
            // The sign of a tail value is another bit of the same draw.
            return (bits >> 17n) & 1n ? -(NORMAL_R + far) : NORMAL_R + far;
          }
        }
      }
      const y = (NORMAL.height[layer - 1]! - NORMAL.height[layer]!) * this.random() + NORMAL.height[layer]!;
      if (y < Math.exp(-0.5 * x * x)) return negative ? -x : x;
    }
  }

  /** Exponential with mean `scale`. */
  exponential(scale: number): number {
    for (;;) {
      const bits = this.next() >> 3n;
      const layer = Number(bits & 0xffn);
      const magnitude = Number(bits >> 8n);
      const x = magnitude * EXPONENTIAL.width[layer]!;
      if (magnitude < EXPONENTIAL.accept[layer]!) return x * scale;
      if (layer === 0) return (EXPONENTIAL_R - Math.log1p(-this.random())) * scale;
      const y =
        (EXPONENTIAL.height[layer - 1]! - EXPONENTIAL.height[layer]!) * this.random() + EXPONENTIAL.height[layer]!;
      if (y < Math.exp(-x)) return x * scale;
    }
  }

  /** exp of a normal with the given mean and deviation. */
  lognormal(mean: number, sigma: number): number {
    return Math.exp(mean + sigma * this.normal());
  }

  private step(): void {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK128;
  }
}

function seedWords(entropy: readonly number[]): Uint32Array {
  const words: number[] = [];
  for (const value of entropy) {
    let rest = value;
    do {
      words.push(rest % 4294967296);
      rest = Math.floor(rest / 4294967296);
    } while (rest > 0);
  }
  const pool = new Uint32Array(4);
  let constant = 0x43b0d7e5;
  const hash = (value: number): number => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mix = (x: number, y: number): number => {
    const result = (Math.imul(x, 0xca01f9dd) - Math.imul(y, 0x4973f715)) >>> 0;
    return (result ^ (result >>> 16)) >>> 0;
  };
  for (let i = 0; i < 4; i++) pool[i] = hash(words[i] ?? 0);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to]!, hash(pool[from]!));
  }
  for (let from = 4; from < words.length; from++) {
    for (let to = 0; to < 4; to++) pool[to] = mix(pool[to]!, hash(words[from]!));
  }
  const out = new Uint32Array(8);
  let output = 0x8b51f9dd;
  for (let i = 0; i < 8; i++) {
    let value = (pool[i % 4]! ^ output) >>> 0;
    output = Math.imul(output, 0x58f38ded) >>> 0;
    value = Math.imul(value, output) >>> 0;
    out[i] = value ^ (value >>> 16);
  }
  return out;
}

interface Layers {
  /** Value of one step of the integer part, by layer. */
  readonly width: Float64Array;
  /** Integer parts below this need no second look. */
  readonly accept: Float64Array;
  /** Height of the density at the layer's edge. */
  readonly height: Float64Array;
}

const NORMAL_R = 3.6541528853610087963519472518;
const NORMAL_AREA = 0.0049286732339746519;
const EXPONENTIAL_R = 7.69711747013104972;
const EXPONENTIAL_AREA = 0.0039496598225815571993;

/** The ziggurat's 256 layers for a falling density with the given tail start, layer area and integer range. */
function layers(
  r: number,
  area: number,
  range: number,
  density: (x: number) => number,
  inverse: (y: number) => number,
): Layers {
  const made = {
    width: new Float64Array(256),
    accept: new Float64Array(256),
    height: new Float64Array(256),
  };
  const { width, accept, height } = made;
  let edge = r;
  let outer = r;
  const base = area / density(r);
  accept[0] = Math.floor((r / base) * range);
  accept[1] = 0;
  width[0] = base / range;
  width[255] = r / range;
  height[0] = 1;
  height[255] = density(r);
  for (let i = 254; i >= 1; i--) {
    edge = inverse(area / edge + density(edge));
    accept[i + 1] = Math.floor((edge / outer) * range);
    outer = edge;
    height[i] = density(edge);
    width[i] = edge / range;
  }
  return made;
}

const NORMAL = layers(
  NORMAL_R,
  NORMAL_AREA,
  4503599627370496,
  (x) => Math.exp(-0.5 * x * x),
  (y) => Math.sqrt(-2 * Math.log(y)),
);
const EXPONENTIAL = layers(
  EXPONENTIAL_R,
  EXPONENTIAL_AREA,
  9007199254740992,
  (x) => Math.exp(-x),
  (y) => -Math.log(y),
);

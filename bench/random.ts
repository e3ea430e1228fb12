// Seeded random numbers: the same seed gives the same capture on every machine.

/** sfc32, seeded by a number; gives unsigned 32-bit integers. */
export function seededRandom(seed: number): () => number {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed | 0];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** Draws 0 to `weights.length - 1` in proportion to the weights: Walker's alias method, constant time a draw. */
export function weightedDraw(weights: Float64Array, random: () => number): () => number {
  const count = weights.length;
  const { threshold, alias } = aliasTable(weights);
  return () => {
    const cell = Math.floor((random() / 2 ** 32) * count);
    return random() < threshold[cell] ? cell : alias[cell];
  };
}

/** Popularity by Zipf's law: the nth most popular has the weight 1/n. */
export function zipfWeights(count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, rank) => 1 / (rank + 1));
}

function aliasTable(weights: Float64Array): { threshold: Float64Array; alias: Uint32Array } {
  const count = weights.length;
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / count;
  const left = weights.map((weight) => weight / mean);
  const threshold = new Float64Array(count).fill(2 ** 32);
  const alias = new Uint32Array(count);
  const small: number[] = [];
  const large: number[] = [];
  left.forEach((share, i) => (share < 1 ? small : large).push(i));
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop()!;
    const rich = large.at(-1)!;
    threshold[poor] = left[poor] * 2 ** 32;
    alias[poor] = rich;
    left[rich] = left[rich] - (1 - left[poor]);
    if (left[rich] < 1) small.push(large.pop()!);
  }
  return { threshold, alias };
}

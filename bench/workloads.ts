// The workloads: what is measured, on which capture, with which window.
import { RECIPE_VERSION } from './recipe.ts';
import type { Recipe } from './recipe.ts';

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly recipe: Recipe;
  readonly windowSeconds: number;
  /** Peers are measured too; else Windrow is compared with itself alone. */
  readonly withPeers: boolean;
}

const SPAN_SECONDS = 300;
const FLOW_COUNTS = [
  ['10k', 10_000],
  ['100k', 100_000],
  ['1M', 1_000_000],
  ['4M', 4_000_000],
] as const;

/** All workloads, in the order in which they are measured; small ones have a third or a quarter of the packets. */
export function workloads(isSmall: boolean): Workload[] {
  const base = { version: RECIPE_VERSION, seed: 1, seconds: SPAN_SECONDS };
  const packets = isSmall ? 5_000_000 : 20_000_000;
  return [
    {
      name: 'imix',
      title: 'IMIX, 100 k flows by Zipf, windows of 60 s',
      recipe: { ...base, packets: isSmall ? 5_000_000 : 15_000_000, flows: 100_000, popularity: 'zipf', sizes: 'imix' },
      windowSeconds: 60,
      withPeers: true,
    },
    {
      name: 'uniform',
      title: 'Frames of 60 bytes, 1 M flows alike, five windows of 60 s',
      recipe: { ...base, packets, flows: 1_000_000, popularity: 'uniform', sizes: 'smallest' },
      windowSeconds: 60,
      withPeers: true,
    },
    ...FLOW_COUNTS.map(([label, flows]): Workload => ({
      name: `flows-${label}`,
      title: `Frames of 60 bytes, ${label} flows alike, one window`,
      recipe: { ...base, packets, flows, popularity: 'uniform', sizes: 'smallest' },
      windowSeconds: 600,
      withPeers: false,
    })),
  ];
}

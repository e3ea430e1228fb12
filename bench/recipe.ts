// A recipe: everything that decides the bytes of a made capture.

/** Raised whenever the same recipe gives other bytes than before. */
export const RECIPE_VERSION = 1;

export interface Recipe {
  readonly version: number;
  readonly seed: number;
  readonly packets: number;
  readonly flows: number;
  /** How often a flow is drawn: all alike, or by Zipf's law. */
  readonly popularity: 'uniform' | 'zipf';
  /** imix: layer 3 lengths 40, 576 and 1500 as 7:4:1. smallest: frames of 60 bytes. */
  readonly sizes: 'imix' | 'smallest';
  /** Packet time from the first packet to the end. */
  readonly seconds: number;
}

/** What is in a made capture. */
export interface CaptureFacts {
  readonly packets: number;
  readonly layer3Bytes: number;
  readonly fileBytes: number;
}

/** Names the file: readable, and different for different recipes. */
export function recipeName(recipe: Recipe): string {
  const { version, seed, packets, flows, popularity, sizes, seconds } = recipe;
  return `${sizes}-${popularity}-${flows}f-${packets}p-${seconds}s-seed${seed}-v${version}`;
}

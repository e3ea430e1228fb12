// A made capture on disk: made once, used again as long as its recipe is the same.
import fs from 'node:fs';
import path from 'node:path';
import { PacketMaker, pcapHeader } from './packet_maker.ts';
import { recipeName } from './recipe.ts';
import type { CaptureFacts, Recipe } from './recipe.ts';

const PROGRESS_MS = 1000;
const WARM_BYTES = 4 << 20;

export interface Capture extends CaptureFacts {
  readonly path: string;
}

export type Say = (line: string) => void;

/** The capture of a recipe in `folder`, made if it is not there whole. */
export function provideCapture(folder: string, recipe: Recipe, say: Say): Capture {
  const file = path.join(folder, `${recipeName(recipe)}.pcap`);
  const facts = readFacts(file, recipe) ?? make(file, recipe, say);
  return { ...facts, path: file };
}

/** Reads the capture once, so that every tool finds it in the page cache. */
export function warm(capture: Capture): void {
  const block = new Uint8Array(WARM_BYTES);
  const fd = fs.openSync(capture.path, 'r');
  while (fs.readSync(fd, block) > 0);
  fs.closeSync(fd);
}

/** The first packets of a capture as a capture of its own, for tools that would take minutes. */
export function provideHead(capture: Capture, packets: number): Capture {
  if (packets >= capture.packets) return capture;
  const file = capture.path.replace(/\.pcap$/, `-head${packets}.pcap`);
  const block = Buffer.alloc(24 + packets * (16 + 14 + 1500));
  const fd = fs.openSync(capture.path, 'r');
  const size = fs.readSync(fd, block);
  fs.closeSync(fd);
  let end = 24;
  let layer3Bytes = 0;
  for (let i = 0; i < packets; i++) {
    layer3Bytes += block.readUInt16BE(end + 16 + 14 + 2);
    end += 16 + block.readUInt32LE(end + 8);
  }
  if (end > size) throw new Error(`${capture.path}: fewer than ${packets} packets could be read`);
  fs.writeFileSync(file, block.subarray(0, end));
  return { path: file, packets, layer3Bytes, fileBytes: end };
}

/** What is written beside a capture when it is whole; null where it is not, or of another recipe. */
function readFacts(file: string, recipe: Recipe): CaptureFacts | null {
  try {
    const beside = JSON.parse(fs.readFileSync(`${file}.json`, 'utf8')) as { recipe: Recipe; facts: CaptureFacts };
    const isSame = JSON.stringify(beside.recipe) === JSON.stringify(recipe);
    return isSame && fs.statSync(file).size === beside.facts.fileBytes ? beside.facts : null;
  } catch {
    return null; // not made yet, or not to its end: it is made again
  }
}

function make(file: string, recipe: Recipe, say: Say): CaptureFacts {
  const started = Date.now();
  let nextLine = started + PROGRESS_MS;
  const maker = new PacketMaker(recipe);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const fd = fs.openSync(file, 'w');
  let fileBytes = fs.writeSync(fd, pcapHeader());
  for (let block = maker.nextBlock(); block.length > 0; block = maker.nextBlock()) {
    for (let at = 0; at < block.length;) at += fs.writeSync(fd, block, at);
    fileBytes += block.length;
    if (Date.now() < nextLine) continue;
    nextLine += PROGRESS_MS;
    say(`making ${path.basename(file)}: ${Math.round((maker.made / recipe.packets) * 100)} %`);
  }
  // Written back now, not while tools are timed.
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  const facts = { packets: maker.made, layer3Bytes: maker.layer3Bytes, fileBytes };
  fs.writeFileSync(`${file}.json`, JSON.stringify({ recipe, facts }));
  say(
    `made ${path.basename(file)}: ${(fileBytes / 1e9).toFixed(2)} GB in ${((Date.now() - started) / 1000).toFixed(0)} s`,
  );
  return facts;
}

// Makes the packets of a recipe: pcap records, one behind another, in blocks of a few MiB.
import { Conversations } from './conversations.ts';
import { seededRandom, weightedDraw, zipfWeights } from './random.ts';
import type { Recipe } from './recipe.ts';

const BLOCK_BYTES = 4 << 20;
const RECORD_HEADER = 16;
const LINK_HEADER = 14;
const IP_HEADER = 20;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const LARGEST_RECORD = RECORD_HEADER + LINK_HEADER + 1500;
/** Frames are padded to this, as on a wire (its FCS taken off). */
const SMALLEST_FRAME = 60;
/** Aligned to windows of 1, 5 and 10 minutes. */
const FIRST_SECOND = 1_700_000_400;
const SERVER_PORTS = [443, 80, 53, 22, 8443, 3306, 5432, 9092];
/** Shares of layer 3 lengths; a TCP packet without data is 40 bytes whatever was drawn. */
const IMIX = [40, 40, 40, 40, 40, 40, 40, 576, 576, 576, 576, 1500];
/** Routers' ends of the link that the capture was taken on. */
const CLIENT_MAC = 0x020000000001;
const SERVER_MAC = 0x020000000002;

/** The 24 bytes in front of the first record: microseconds, little-endian, Ethernet. */
export function pcapHeader(): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 65_535, true);
  view.setUint32(20, 1, true);
  return bytes;
}

export class PacketMaker {
  layer3Bytes = 0;
  #recipe: Recipe;
  #random: () => number;
  #draw: () => number;
  #conversations: Conversations;
  /** Payloads are noise from here, so that no field can be guessed from zeros. */
  #noise = new Uint8Array(BLOCK_BYTES);
  #bytes = new Uint8Array(BLOCK_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #made = 0;

  constructor(recipe: Recipe) {
    const random = seededRandom(recipe.seed);
    this.#recipe = recipe;
    this.#random = random;
    this.#draw =
      recipe.popularity === 'zipf'
        ? weightedDraw(zipfWeights(recipe.flows), random)
        : () => Math.floor((random() / 2 ** 32) * recipe.flows);
    this.#conversations = new Conversations(recipe.flows, random);
    const words = new Uint32Array(this.#noise.buffer);
    for (let i = 0; i < words.length; i++) words[i] = random();
  }

  get made(): number {
    return this.#made;
  }

  /** The next records; empty when all are made. Valid until the next call. */
  nextBlock(): Uint8Array {
    this.#bytes.set(this.#noise);
    let at = 0;
    while (this.#made < this.#recipe.packets && at + LARGEST_RECORD <= BLOCK_BYTES) {
      at += this.#putRecord(at);
      this.#made++;
    }
    return this.#bytes.subarray(0, at);
  }

  #putRecord(at: number): number {
    const flow = this.#draw();
    const turn = this.#conversations.next(flow);
    const headers = IP_HEADER + (turn.isTcp ? TCP_HEADER : UDP_HEADER);
    const length = this.#layer3Length(turn.isTcp, turn.isBare);
    const frame = Math.max(SMALLEST_FRAME, LINK_HEADER + length);
    this.#putRecordHeader(at, frame);
    this.#putIp(at + RECORD_HEADER, flow, length);
    this.#putTransport(at + RECORD_HEADER + LINK_HEADER + IP_HEADER, flow, length - IP_HEADER);
    this.#conversations.sent(flow, length - headers);
    this.layer3Bytes += length;
    return RECORD_HEADER + frame;
  }

  #layer3Length(isTcp: boolean, isBare: boolean): number {
    if (this.#recipe.sizes === 'imix') return isBare ? 40 : IMIX[this.#random() % IMIX.length];
    return isTcp ? 40 : SMALLEST_FRAME - LINK_HEADER;
  }

  /** Packets are spread evenly over the recipe's seconds, each moved a little within its place. */
  #putRecordHeader(at: number, frame: number): void {
    const view = this.#view;
    const { packets, seconds } = this.#recipe;
    const time = ((this.#made + this.#random() / 2 ** 32) / packets) * seconds;
    const whole = Math.floor(time);
    view.setUint32(at, FIRST_SECOND + whole, true);
    view.setUint32(at + 4, Math.floor((time - whole) * 1e6), true);
    view.setUint32(at + 8, frame, true);
    view.setUint32(at + 12, frame, true);
  }

  #putIp(at: number, flow: number, length: number): void {
    const view = this.#view;
    const { isReply, isTcp } = this.#conversations.turn;
    this.#putMacs(at, isReply);
    const client = clientAddress(flow);
    const server = serverAddress(flow);
    const source = isReply ? server : client;
    const destination = isReply ? client : server;
    const identification = this.#made & 0xffff;
    const rest = (64 << 8) | (isTcp ? 6 : 17);
    const ip = at + LINK_HEADER;
    view.setUint16(ip, 0x4500);
    view.setUint16(ip + 2, length);
    view.setUint16(ip + 4, identification);
    view.setUint16(ip + 6, 0x4000);
    view.setUint16(ip + 8, rest);
    view.setUint32(ip + 12, source);
    view.setUint32(ip + 16, destination);
    let sum = 0x4500 + length + identification + 0x4000 + rest;
    sum += (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
    sum = (sum >>> 16) + (sum & 0xffff);
    view.setUint16(ip + 10, ~(sum + (sum >>> 16)));
  }

  #putMacs(at: number, isReply: boolean): void {
    const view = this.#view;
    view.setUint32(at, 0x02000000);
    view.setUint16(at + 4, (isReply ? CLIENT_MAC : SERVER_MAC) & 0xffff);
    view.setUint32(at + 6, 0x02000000);
    view.setUint16(at + 10, (isReply ? SERVER_MAC : CLIENT_MAC) & 0xffff);
    view.setUint16(at + 12, 0x0800);
  }

  /** Transport checksums are 0: as with cards that fill them in later, and as UDP over IPv4 allows. */
  #putTransport(at: number, flow: number, length: number): void {
    const view = this.#view;
    const { isReply, isTcp, seq, ack, flags } = this.#conversations.turn;
    const client = clientPort(flow);
    const server = SERVER_PORTS[flow % SERVER_PORTS.length];
    view.setUint16(at, isReply ? server : client);
    view.setUint16(at + 2, isReply ? client : server);
    if (isTcp) {
      view.setUint32(at + 4, seq);
      view.setUint32(at + 8, ack);
      view.setUint16(at + 12, 0x5000 | flags);
      view.setUint16(at + 14, 0xffff);
      view.setUint32(at + 16, 0);
    } else {
      view.setUint16(at + 4, length);
      view.setUint16(at + 6, 0);
    }
  }
}

/** Spreads neighbouring flows over hosts: an odd factor permutes 24 bits, so client address and port stay unique. */
function scrambled(flow: number): number {
  return Math.imul(flow, 0x9e3779b1) & 0xffffff;
}

/** One of 2^18 private addresses. */
function clientAddress(flow: number): number {
  return 0x0a000000 + (scrambled(flow) >>> 6);
}

/** One of 64 ports of its client. */
function clientPort(flow: number): number {
  return 32_768 + (scrambled(flow) & 63) * 509;
}

/** One of 2^16 addresses that are set aside for benchmarks (RFC 2544). */
function serverAddress(flow: number): number {
  return 0xc6120000 + (Math.imul(flow, 0x85ebca6b) >>> 16);
}

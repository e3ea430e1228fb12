// Makes the capture of the example: a minute in the network of network.yaml, each frame once. A packet that passes the NAT
// gateway is two: before and after its address was translated.
//
//   node docker/example/capture.mjs example.pcap
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import process from 'node:process';

/** 2026-01-05 10:00:00 UTC. */
const BEGIN = 1_767_607_200;

const [TCP, UDP] = [6, 17];
const [FIN, SYN, PSH, ACK] = [1, 2, 8, 16];

/**
 * Who is not on the network itself is behind a router.
 * @typedef {{ readonly address: string, readonly mac: number }} Host
 * @typedef {{ readonly from: Host, readonly fromPort: number, readonly to: Host, readonly toPort: number }} Way
 */
const ROUTER = 0x01;
const web = { address: '10.0.1.10', mac: 0x10 };
const app = { address: '10.0.2.20', mac: 0x20 };
const db = { address: '10.0.4.30', mac: 0x30 };
const nat = { address: '10.0.3.40', mac: 0x40 };
const vpn = { mac: 0x50 };
const lake = { address: '172.16.1.60', mac: 0x60 };
const office = { address: '192.168.10.5', mac: vpn.mac };
const customer = { address: '198.51.100.7', mac: ROUTER };
const scanner = { address: '203.0.113.66', mac: ROUTER };
const bank = { address: '192.0.2.80', mac: ROUTER };
const somewhere = { address: '192.0.2.99', mac: ROUTER };

/** @type {{ readonly micros: number, readonly frame: Buffer }[]} */
const frames = [];

// A customer of the shop is served; a scanner is turned away.
connect(1, [way(customer, 50_000, web, 443)], 517, 12_000);
knock(2, way(scanner, 40_000, web, 443), 3);
// What the customer wants is made by the application, and paid through the Internet.
connect(3, [way(web, 41_000, app, 8080)], 300, 4_000);
connect(4, [way(app, 42_000, { ...bank, mac: nat.mac }, 443), way(nat, 1_042, bank, 443)], 900, 600);
// The web server has no business with the database; the office has.
knock(10, way(web, 43_000, db, 5432), 2);
connect(12, [way(office, 51_000, db, 5432)], 200, 8_000);
// Figures go to the other VPC, every five seconds; from there nothing goes to the Internet.
for (let second = 0; second < 60; second += 5) tell(second, way(app, 44_000, lake, 8125), 172);
knock(30, way(lake, 45_000, somewhere, 443), 2);

frames.sort((a, b) => a.micros - b.micros);
const [, , path] = process.argv;
if (path === undefined)
  throw new Error('expected the name of the capture to write: node docker/example/capture.mjs example.pcap');
fs.writeFileSync(path, Buffer.concat([fileHeader(), ...frames.map(record)]));

/**
 * @param {Host} from
 * @param {number} fromPort
 * @param {Host} to
 * @param {number} toPort
 * @returns {Way}
 */
function way(from, fromPort, to, toPort) {
  return { from, fromPort, to, toPort };
}

/**
 * A TCP connection: opened, a request, an answer, closed by both. Each of its packets goes all ways, one behind the other.
 * @param {number} second
 * @param {readonly Way[]} ways from the client to the server
 * @param {number} request bytes
 * @param {number} answer bytes
 */
function connect(second, ways, request, answer) {
  const back = ways.map(({ from, fromPort, to, toPort }) => way(to, toPort, from, fromPort)).reverse();
  let at = second;
  /** @type {(isAnswer: boolean, flags: number, size: number) => void} */
  const say = (isAnswer, flags, size) => {
    for (const one of isAnswer ? back : ways) send((at += 0.001), one, TCP, segment(one, flags, size));
  };
  say(false, SYN, 0);
  say(true, SYN | ACK, 0);
  say(false, ACK, 0);
  say(false, PSH | ACK, request);
  for (let left = answer; left > 0; left -= 1448) say(true, ACK, Math.min(left, 1448));
  say(true, FIN | ACK, 0);
  say(false, FIN | ACK, 0);
  say(true, ACK, 0);
}

/**
 * Asks for a connection, and again after 1 s, 2 s and so on. Nobody answers.
 * @param {number} second
 * @param {Way} there
 * @param {number} times
 */
function knock(second, there, times) {
  for (let n = 0; n < times; n++) send(second + 2 ** n, there, TCP, segment(there, SYN, 0));
}

/**
 * A datagram.
 * @param {number} second
 * @param {Way} there
 * @param {number} size
 */
function tell(second, there, size) {
  const datagram = Buffer.alloc(8 + size);
  datagram.writeUInt16BE(there.fromPort, 0);
  datagram.writeUInt16BE(there.toPort, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  send(second, there, UDP, datagram);
}

/**
 * @param {Way} there
 * @param {number} flags
 * @param {number} size
 */
function segment(there, flags, size) {
  const bytes = Buffer.alloc(20 + size);
  bytes.writeUInt16BE(there.fromPort, 0);
  bytes.writeUInt16BE(there.toPort, 2);
  bytes[12] = 0x50;
  bytes[13] = flags;
  return bytes;
}

/**
 * @param {number} second
 * @param {Way} there
 * @param {number} protocol
 * @param {Buffer} payload
 */
function send(second, { from, to }, protocol, payload) {
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + payload.length, 2);
  ip[8] = 64;
  ip[9] = protocol;
  ip.set(
    [from.address, to.address].flatMap((address) => address.split('.').map(Number)),
    12,
  );
  const macs = [to.mac, from.mac].flatMap((last) => [0x02, 0, 0, 0, 0, last]);
  const frame = Buffer.concat([Buffer.from([...macs, 0x08, 0x00]), ip, payload]);
  frames.push({ micros: Math.round(second * 1e6), frame });
}

/** Of a pcap of Ethernet with microseconds. */
function fileHeader() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

/** @param {{ readonly micros: number, readonly frame: Buffer }} timed */
function record({ micros, frame }) {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(BEGIN + Math.floor(micros / 1e6), 0);
  header.writeUInt32LE(micros % 1e6, 4);
  header.writeUInt32LE(frame.length, 8);
  header.writeUInt32LE(frame.length, 12);
  return Buffer.concat([header, frame]);
}

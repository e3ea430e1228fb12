// The sample capture of `windrow demo`: half an hour of a small office, made up but to the byte what a card would see.
// Written by hand here, and not by the code that reads captures, so that the demo shows that code at work.

const LINKTYPE_ETHERNET = 1;
/** 2026-01-05 09:00:00 UTC. */
const BEGIN = 1_767_603_600;

const HOST = [10, 0, 0, 5] as const;
const HOST_MAC = [0x02, 0, 0, 0, 0, 0x05] as const;
const GATEWAY_MAC = [0x02, 0, 0, 0, 0, 0x01] as const;
const HOST6 = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5] as const;
const SERVER6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53] as const;

const FIN = 1;
const SYN = 2;
const RST = 4;
const PSH = 8;
const ACK = 16;

interface Timed {
  readonly micros: number;
  readonly frame: Buffer;
}

/** A pcap of what happens around 10.0.0.5: web, DNS, SSH, a port scan, pings, IPv6, multicast and ARP. */
export function makeDemoCapture(): Buffer {
  const frames: Timed[] = [];
  for (let minute = 0; minute < 30; minute++) {
    // Lunch: windows without traffic, which the log has to mention.
    if (minute >= 15 && minute < 20) continue;
    browse(frames, minute);
    lookUp(frames, minute);
  }
  keepSession(frames);
  scan(frames);
  ping(frames);
  notForLogs(frames);
  frames.sort((a, b) => a.micros - b.micros);
  return Buffer.concat([fileHeader(), ...frames.map(record)]);
}

/** HTTPS: a few connections a minute to a few servers, each opened, used and closed. */
function browse(frames: Timed[], minute: number): void {
  for (let i = 0; i < 6; i++) {
    const server = [203, 0, 113, 10 + ((minute + i) % 5)];
    const port = 40_000 + minute * 20 + i;
    let at = (minute * 60 + i * 9) * 1e6 + 137 * i;
    const say = (isOut: boolean, flags: number, size: number): void => {
      const ends = isOut ? ([HOST, server, port, 443] as const) : ([server, HOST, 443, port] as const);
      frames.push({
        micros: at,
        frame: ethernet(isOut, ipv4(ends[0], ends[1], 6, tcp(ends[2], ends[3], flags, size))),
      });
      at += 11_000;
    };
    say(true, SYN, 0);
    say(false, SYN | ACK, 0);
    say(true, ACK, 0);
    say(true, PSH | ACK, 517);
    for (let n = 0; n < 4 + ((minute * 7 + i * 3) % 24); n++) {
      say(false, ACK, 1448);
      if (n % 2 === 1) say(true, ACK, 0);
    }
    say(true, FIN | ACK, 0);
    say(false, FIN | ACK, 0);
    say(true, ACK, 0);
  }
}

/** DNS over IPv4, and every other minute over IPv6. */
function lookUp(frames: Timed[], minute: number): void {
  for (let i = 0; i < 4; i++) {
    const at = (minute * 60 + 7 + i * 13) * 1e6;
    const port = 50_000 + minute * 4 + i;
    if (minute % 2 === 1) {
      frames.push({ micros: at, frame: ethernet6(true, ipv6(HOST6, SERVER6, 17, udp(port, 53, 32))) });
      frames.push({ micros: at + 18_000, frame: ethernet6(false, ipv6(SERVER6, HOST6, 17, udp(53, port, 120))) });
    } else {
      const resolver = [198, 51, 100, 53];
      frames.push({ micros: at, frame: ethernet(true, ipv4(HOST, resolver, 17, udp(port, 53, 32))) });
      frames.push({ micros: at + 18_000, frame: ethernet(false, ipv4(resolver, HOST, 17, udp(53, port, 120))) });
    }
  }
}

/** SSH to another host of the office, open before the capture starts and after it ends, but for lunch. */
function keepSession(frames: Timed[]): void {
  const other = [10, 0, 0, 9];
  for (let second = 0; second < 1800; second += 10) {
    if (second >= 900 && second < 1200) continue;
    frames.push({
      micros: second * 1e6 + 500,
      frame: ethernet(true, ipv4(HOST, other, 6, tcp(51_022, 22, PSH | ACK, 36))),
    });
    frames.push({
      micros: second * 1e6 + 900,
      frame: ethernet(false, ipv4(other, HOST, 6, tcp(22, 51_022, PSH | ACK, 68))),
    });
  }
}

/** Somebody outside tries 200 ports in two seconds; the host answers with RST. */
function scan(frames: Timed[]): void {
  const from = [192, 0, 2, 66];
  for (let port = 1; port <= 200; port++) {
    const at = (1400 + port / 100) * 1e6;
    frames.push({ micros: at, frame: ethernet(false, ipv4(from, HOST, 6, tcp(61_000, port, SYN, 0))) });
    frames.push({ micros: at + 90, frame: ethernet(true, ipv4(HOST, from, 6, tcp(port, 61_000, RST | ACK, 0))) });
  }
}

function ping(frames: Timed[]): void {
  for (let n = 0; n < 60; n++) {
    const echo = Buffer.alloc(64);
    echo[0] = 8;
    frames.push({ micros: (300 + n) * 1e6, frame: ethernet(true, ipv4(HOST, [198, 51, 100, 1], 1, echo)) });
    const reply = Buffer.alloc(64);
    frames.push({ micros: (300 + n) * 1e6 + 9_000, frame: ethernet(false, ipv4([198, 51, 100, 1], HOST, 1, reply)) });
  }
}

/** What is seen and is in no entry: ARP, multicast and broadcast. */
function notForLogs(frames: Timed[]): void {
  for (let minute = 0; minute < 30; minute += 2) {
    if (minute >= 15 && minute < 20) continue;
    const at = minute * 60e6 + 30e6;
    frames.push({
      micros: at,
      frame: Buffer.concat([Buffer.from([...HOST_MAC, ...GATEWAY_MAC, 0x08, 0x06]), Buffer.alloc(46)]),
    });
    frames.push({
      micros: at + 5,
      frame: ethernet(true, ipv4(HOST, [239, 255, 255, 250], 17, udp(50_999, 1900, 130))),
    });
    frames.push({ micros: at + 9, frame: ethernet(true, ipv4(HOST, [255, 255, 255, 255], 17, udp(68, 67, 300))) });
  }
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(LINKTYPE_ETHERNET, 20);
  return header;
}

function record({ micros, frame }: Timed): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(BEGIN + Math.floor(micros / 1e6), 0);
  header.writeUInt32LE(Math.floor(micros % 1e6), 4);
  header.writeUInt32LE(frame.length, 8);
  header.writeUInt32LE(frame.length, 12);
  return Buffer.concat([header, frame]);
}

function ethernet(isOut: boolean, packet: Buffer, type = 0x0800): Buffer {
  const macs = isOut ? [...GATEWAY_MAC, ...HOST_MAC] : [...HOST_MAC, ...GATEWAY_MAC];
  // A card pads short frames to 60 bytes.
  const padding = Buffer.alloc(Math.max(0, 46 - packet.length));
  return Buffer.concat([Buffer.from([...macs, type >> 8, type & 255]), packet, padding]);
}

function ethernet6(isOut: boolean, packet: Buffer): Buffer {
  return ethernet(isOut, packet, 0x86dd);
}

function ipv4(source: readonly number[], destination: readonly number[], protocol: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header[8] = 64;
  header[9] = protocol;
  header.set([...source, ...destination], 12);
  return Buffer.concat([header, payload]);
}

function ipv6(source: readonly number[], destination: readonly number[], next: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = next;
  header[7] = 64;
  header.set([...source, ...destination], 8);
  return Buffer.concat([header, payload]);
}

function tcp(source: number, destination: number, flags: number, size: number): Buffer {
  const segment = Buffer.alloc(20 + size);
  segment.writeUInt16BE(source, 0);
  segment.writeUInt16BE(destination, 2);
  segment[12] = 0x50;
  segment[13] = flags;
  return segment;
}

function udp(source: number, destination: number, size: number): Buffer {
  const datagram = Buffer.alloc(8 + size);
  datagram.writeUInt16BE(source, 0);
  datagram.writeUInt16BE(destination, 2);
  datagram.writeUInt16BE(8 + size, 4);
  return datagram;
}

// npm's pcap-parser alone: counts the packets and bytes of a capture, and does nothing with them.
import { createRequire } from 'node:module';

interface Parser {
  on(event: 'packet', listener: (packet: { header: { originalLength: number } }) => void): Parser;
  on(event: 'end', listener: () => void): Parser;
}

const { parse } = createRequire(import.meta.url)('pcap-parser') as { parse: (path: string) => Parser };

let packets = 0;
let bytes = 0;
parse(process.argv[2])
  .on('packet', (packet) => {
    packets++;
    bytes += packet.header.originalLength;
  })
  .on('end', () => {
    process.stdout.write(JSON.stringify({ packets, bytes }) + '\n');
  });

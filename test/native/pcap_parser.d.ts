// Types of what the tests use of npm's pcap-parser.
declare module 'pcap-parser' {
  interface Header {
    readonly timestampSeconds: number;
    readonly timestampMicroseconds: number;
    readonly capturedLength: number;
    readonly originalLength: number;
  }
  interface Parser {
    on(event: 'packet', listener: (packet: { header: Header; data: Uint8Array }) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    on(event: 'end', listener: () => void): void;
  }
  export function parse(file: string): Parser;
}

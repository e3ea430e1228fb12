// Bytes of an open file, pipe or device.
// Only a regular file is read synchronously: nothing else may hold a thread, which could then not be stopped.
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';

/** Reads fill `into` from `offset` on; 0 is the end. Errors are the system's. */
export interface Bytes {
  /** In bytes; 0 where it is not known. */
  readonly size: number;
  read(into: Uint8Array, offset: number): number | Promise<number>;
  close(): void;
}

export class FileBytes implements Bytes {
  readonly size: number;
  readonly fd: number;
  #isClosed = false;

  constructor(fd: number, size: number) {
    this.fd = fd;
    this.size = size;
  }

  read(into: Uint8Array, offset: number): number {
    return fs.readSync(this.fd, into, offset, into.length - offset, null);
  }

  close(): void {
    if (!this.#isClosed && this.fd !== 0) fs.closeSync(this.fd);
    this.#isClosed = true;
  }
}

/** Whatever else can be read: a terminal, a device. */
export class DeviceBytes implements Bytes {
  readonly size = 0;
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    for (;;) {
      try {
        return await readAsync(this.#fd, into, offset);
      } catch (error) {
        if (systemCode(error) === 'EOF') return 0;
        if (systemCode(error) !== 'EAGAIN') throw error;
        await delay(5);
      }
    }
  }

  close(): void {
    if (this.#fd !== 0) fs.closeSync(this.#fd);
  }
}

/** A pipe or a socket is waited for by the event loop, a named pipe also for its first writer: only then can it come to an end. */
export class PipeBytes implements Bytes {
  readonly size = 0;
  #fd: number;
  #socket: net.Socket;
  #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(fd: number) {
    this.#fd = fd;
    this.#socket = new net.Socket({ fd, readable: true, writable: false });
    this.#chunks = this.#socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return 0;
      this.#rest = next.value;
    }
    const some = this.#rest.subarray(0, into.length - offset);
    into.set(some, offset);
    this.#rest = this.#rest.subarray(some.length);
    return some.length;
  }

  close(): void {
    // Standard input stays open: its number must not become somebody else's.
    if (this.#fd === 0) this.#socket.pause().unref();
    else this.#socket.destroy();
  }
}

function readAsync(fd: number, into: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, into, offset, into.length - offset, null, (error, got) => {
      if (error) reject(error);
      else resolve(got);
    });
  });
}

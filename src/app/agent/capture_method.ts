// How interfaces are captured at: by rings of all workers, or by libpcap in processes of its own.
import type { NetworkInterface } from '../../capture/interface.ts';
import type { LiveRingOptions } from './crew.ts';

export interface InterfaceCapture {
  /** What it does not know, to be said once. */
  readonly limits?: string;
  /** Gives whether it tells super-frames, or says in `limits` that it does not. Rejects with INPUT_REFUSED; then it is as before. */
  add(at: NetworkInterface, number: number, options: LiveRingOptions): Promise<boolean>;
  /** Nothing more comes of it; what has come is read. */
  remove(number: number): Promise<void>;
  /** Nothing more comes of any; undefined: that does not have to be said. */
  stop?(): Promise<void>;
}

// The one class of errors that users see: a code from a closed list, and a sentence that says what to do.

/** Every code, and the exit code of a command that ends with it. */
export const ERROR_CODES = {
  /** The command line or the configuration is wrong. */
  USAGE: 2,
  /** An input cannot be read, or is no capture that Windrow reads. */
  INPUT_REFUSED: 1,
  /** What is asked for cannot be as things are: a quota is used up, a name is taken or unknown, somebody else is at it. */
  REFUSED: 1,
  /** What was read could not be written. */
  OUTPUT_FAILED: 1,
  /** Kafka refuses, cannot be reached, or its client is not there. */
  KAFKA: 1,
  /** The books do not balance: packets were neither logged nor excluded. */
  UNBALANCED: 1,
  /** The native addon is missing or does not fit. */
  ADDON: 1,
  /** The process may not do what it has to, or cannot give up what it may. */
  PRIVILEGES: 1,
  /** A thread that captures has died. */
  WORKER: 1,
  /** The machine gave no memory. */
  NO_MEMORY: 1,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Exit code of a command that wrote its entries, but whose input was cut off or damaged. */
export const EXIT_INCOMPLETE = 3;

export class WindrowError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WindrowError';
    this.code = code;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code];
  }
}

/** The `code` of a system error, such as ENOENT; empty for anything else. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What a system error means to a person. */
export function systemReason(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of its path is not a directory',
    ENOSPC: 'no space is left on the device',
    EDQUOT: 'the disk quota is used up',
    EFBIG: 'the file would be larger than the system allows',
    EROFS: 'the file system is read-only',
    EMFILE: 'too many files are open',
    EIO: 'the device reported an I/O error',
  };
  const message = error instanceof Error ? error.message : String(error);
  return reasons[systemCode(error)] ?? message;
}
